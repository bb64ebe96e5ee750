"""Explains in a sentence each what the survey's words mean; the docs repeat these sentences."""

KINDS = {
    "admin": "An admin page of one app shows, edits, filters or searches rows of another app.",
    "binding": "A form, serializer, filter, table or view is built on another app's model.",
    "fork": "An app replaces a third-party app, or declares a model under another app's label.",
    "import": "A module imports another app's module.",
    "migration": "A migration has to run before or after another app's migration.",
    "query": "A query, or an attribute that follows a relation, reads another app's table.",
    "receiver": "A signal handler runs when another app saves a row or sends its signal.",
    "relation": "A foreign key, or another relation, points to another app's model.",
    "signal": "Code sends a signal that another app defines, or reports changes of its rows.",
    "string": "A string names something in another app, such as a model, a task or a permission.",
    "template": "A template, or code that renders one, uses another app's template, tag or file.",
    "url": "Code or a template refers to another app's page by the name of its URL.",
    "cascade": "Deleting a row deletes or changes another app's rows; recorded while it ran.",
    "join": "One SQL statement reads tables of both apps; recorded while it ran.",
    "transaction": "One transaction writes rows of both apps; recorded while it ran.",
}
"""Kinds of couplings; the last three come from recordings."""

WORDS = {
    "in_tests": "Only tests need it: carving changes those tests, but no code that runs.",
    "not_sure": "Guessed from a name. Only running the code can confirm it.",
    "apart": (
        "Couplings with kernels, with third-party, vendored and test apps, and with the project's"
        " own settings and root URLs are not between contexts. The matrix and the graph leave them"
        " out."
    ),
}
"""What the page says of a coupling besides its kind."""
