"""Rules for couplings in data: relations, queries, and what only shows at run time."""

from carveout.carving.plan.rules.rule import CARVE, UNLINK, CutRule, CutRules

SQL = CutRule(
    "lookup or own copy",
    8,
    "a statement over two tables becomes two queries, or a copy",
    "Leave the table of {target} out of the SQL in {source}: use a lookup of {target_app}, or keep"
    " an own copy (carveout.Copy).",
    doubt="which of the two depends on how many rows it reads",
)

JOIN = CutRule(
    "lookup or own copy",
    5,
    "a join becomes one lookup for all rows, or a copy",
    "Do not join {target} in {source}: use one lookup of {target_app} for all rows, or let the"
    " relation lead to an own copy (`manage.py unlink … --to copy`).",
    doubt="filtering or sorting by columns of the other app needs the copy",
)

DATA: CutRules = {
    ("relation", "foreign key"): CutRule(
        "id and lookup",
        8,
        "migrations that keep each row, and a lookup for what was read through it",
        "Keep the id of {target} in {source} without a constraint, and read the rest through a"
        " lookup of {target_app}.",
        UNLINK,
    ),
    ("relation", "one-to-one"): CutRule(
        "id and lookup",
        8,
        "migrations that keep each row and uniqueness, and a lookup",
        "Keep the id of {target} in {source}, unique and without a constraint, and read the rest"
        " through a lookup of {target_app}.",
        UNLINK,
    ),
    ("relation", "many-to-many"): CutRule(
        "own table of ids",
        13,
        "the hidden table becomes a model, which is then unlinked",
        "Give {source} a model in {source_app} as `through`, unlink that model's key to {target},"
        " and read the rest through a lookup of {target_app}.",
        doubt="the hidden table has to become a model first",
    ),
    ("relation", "through"): CutRule(
        "own table of ids",
        8,
        "the table belongs to one of the two sides",
        "Decide which side owns {target}: {source} keeps its own table of ids, or uses a lookup of"
        " {target_app}.",
        doubt="decide which context owns the table between them",
    ),
    ("relation", "generic relation"): CutRule(
        "lookup",
        5,
        "no constraint to drop, but deletion and the content type cross contexts",
        "Remove {source}: {target} keeps the name of a type and an id, and {source_app} reads it"
        " through a lookup of {target_app}.",
        doubt="the rows name a content type, and both sides share that table",
    ),
    ("relation", "parent link"): CutRule(
        "own columns and lookup",
        20,
        "two tables make one row: columns are copied, and each needs one owner",
        "Copy the columns of {target} that {source_app} needs into its own table, keep the"
        " parent's id in {source}, and subscribe to an event for changes.",
        doubt="decide which columns each side owns",
    ),
    ("relation", "proxy"): CutRule(
        "lookup or move",
        8,
        "code that works on the other app's rows moves there, or uses a lookup",
        "Move {source} to {target_app}, or replace it by functions that use a lookup.",
        doubt="decide which context owns this behaviour",
    ),
    ("relation", ""): CutRule(
        "id and lookup",
        8,
        "migrations that keep each row, and a lookup",
        "Keep the id of {target} in {source}, and read the rest through a lookup of {target_app}.",
    ),
    ("query", "raw SQL"): SQL,
    ("query", "extra"): SQL,
    ("query", "walk"): CutRule(
        "lookup",
        2,
        "one value, read through a lookup",
        "Do not follow relations to {target} in {source}: look it up by id, through a lookup of"
        " {target_app}.",
    ),
    ("query", "content type"): CutRule(
        "other name",
        3,
        "ids of content types differ between databases",
        "Keep the name of a type in {source} instead of the content type of {target}.",
        doubt="rows that hold its id have to be changed too",
    ),
    ("query", "table"): CutRule(
        "own copy",
        8,
        "a model over the other app's table gets a table of its own",
        "Give {source} a table of its own, such as an own copy (carveout.Copy), instead of the"
        " table of {target}.",
        doubt="if it writes there too, those writes become events of their own",
    ),
    ("query", ""): JOIN,
    ("join", ""): JOIN,
    ("transaction", ""): CutRule(
        "event",
        13,
        "what was written together is written one after the other: each state in between has to"
        " be valid",
        "Publish an event in the transaction of {source}, and write {target} in a subscriber of"
        " {target_app}.",
        CARVE,
        doubt="decide whether one may be visible without the other",
    ),
    ("cascade", ""): CutRule(
        "event",
        8,
        "deletion happens later, and must be safe to repeat",
        "Publish an event where {source} deletes, and let {target_app} delete {target}, or clear"
        " the reference in it, in a subscriber.",
        UNLINK,
    ),
    ("migration", "kept elsewhere"): CutRule(
        "move",
        3,
        "files move, and the settings that name them change",
        "Move {source} to the app that has the rows: {target} and its migrations go together.",
    ),
    ("fork", ""): CutRule(
        "own label",
        8,
        "tables, permissions and migrations are named after the label",
        "Give {source} a label and tables of its own, or let it stay with {target}.",
        doubt="decide which app owns the rows",
    ),
    ("migration", ""): CutRule(
        "falls away",
        0.5,
        "it disappears together with its relation",
        "Squash the migrations of {source_app} once its relations to {target_app} are unlinked:"
        " then {source} no longer needs {target}.",
    ),
}
