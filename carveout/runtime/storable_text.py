"""Makes text from outside storable in every database."""


def storable(text: str, length_max: int | None = None) -> str:
    """The text in a form that no database refuses: without NUL and lone surrogates, cut to size.

    Characters that can't be stored become escapes, so no information is lost.
    """
    written = text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
    return written if length_max is None else written[:length_max]


def said_by(error: BaseException) -> str:
    """An error's text, even if its `str()` fails."""
    try:
        return storable(str(error))
    except Exception as failure:
        return f"its text is unknown: str() raised {type(failure).__name__}"
