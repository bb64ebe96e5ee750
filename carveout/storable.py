"""Text from outside, made so that every database can store it."""


def storable(text: str, length_max: int | None = None) -> str:
    """The text without what some database refuses: NUL, lone surrogates, more than a column holds.

    What can't be stored is shown as an escape, so nothing that somebody needs is lost.
    """
    written = text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
    return written if length_max is None else written[:length_max]


def said_by(error: BaseException) -> str:
    """An error's text, also if its own code fails to give it."""
    try:
        return storable(str(error))
    except Exception as failure:
        return f"its text is not known: str() raised {type(failure).__name__}"
