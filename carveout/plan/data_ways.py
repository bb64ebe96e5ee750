"""Ways to cut what rows need of rows: relations, queries, and what is seen only running."""

from carveout.plan.way import CARVE, UNLINK, Way, Ways

SQL = Way(
    "lookup or own copy",
    8,
    "a statement over two tables becomes two questions, or a copy",
    "Leave the table of {target} out of the SQL in {source}: ask {target_app} by a lookup, or keep"
    " a copy that an event brings up to date.",
    doubt="which of both depends on how many rows it reads",
)

JOIN = Way(
    "lookup or own copy",
    5,
    "a join becomes a lookup for all rows at once, or a copy",
    "Join no {target} in {source}: ask {target_app} by a lookup for all rows at once, or keep a"
    " copy that an event brings up to date.",
    doubt="filtering or sorting by others' columns needs the copy",
)

DATA: Ways = {
    ("relation", "foreign key"): Way(
        "id and lookup",
        8,
        "migrations that keep each row, and a lookup for what was read through it",
        "Keep the id of {target} in {source} without a constraint, and read the rest by a lookup of"
        " {target_app}.",
        UNLINK,
    ),
    ("relation", "one-to-one"): Way(
        "id and lookup",
        8,
        "migrations that keep each row and uniqueness, and a lookup",
        "Keep the id of {target} in {source}, unique and without a constraint, and read the rest by"
        " a lookup of {target_app}.",
        UNLINK,
    ),
    ("relation", "many-to-many"): Way(
        "own table of ids",
        13,
        "a table of its own is made of the hidden one, then unlinked",
        "Give {source} a model in {source_app} as `through`, unlink that model's key to {target},"
        " and read the rest by a lookup of {target_app}.",
        doubt="the hidden table has to become a model first",
    ),
    ("relation", "through"): Way(
        "own table of ids",
        8,
        "the table belongs to one of both sides",
        "Decide who owns {target}: {source} keeps its own table of ids, or asks {target_app} by a"
        " lookup.",
        doubt="who owns the table between is for people to decide",
    ),
    ("relation", "generic relation"): Way(
        "lookup",
        5,
        "no constraint to drop, but deletion and the content type cross over",
        "Leave {source} out: {target} keeps the name of a type and an id, and {source_app} reads it"
        " by a lookup of {target_app}.",
        doubt="the rows name a content type, which is a table that both sides share",
    ),
    ("relation", "parent link"): Way(
        "own columns and lookup",
        20,
        "two tables make one row: columns are copied, and who writes them is decided",
        "Copy the columns of {target} that {source_app} needs into its own table, keep the"
        " parent's id in {source}, and hear of changes by an event.",
        doubt="which columns each side owns is for people to decide",
    ),
    ("relation", "proxy"): Way(
        "lookup or move",
        8,
        "code that works on the rows of others moves to them, or asks",
        "Move {source} to {target_app}, or replace it by functions over a lookup.",
        doubt="whose behaviour it is is for people to decide",
    ),
    ("relation", ""): Way(
        "id and lookup",
        8,
        "migrations that keep each row, and a lookup",
        "Keep the id of {target} in {source}, and read the rest by a lookup of {target_app}.",
    ),
    ("query", "raw SQL"): SQL,
    ("query", "extra"): SQL,
    ("query", "walk"): Way(
        "lookup",
        2,
        "one value, read by a lookup",
        "Do not walk to {target} in {source}: read it by a lookup of {target_app}, from the id.",
    ),
    ("query", "content type"): Way(
        "other name",
        3,
        "ids of content types differ between databases",
        "Keep the name of a type in {source} instead of the content type of {target}.",
        doubt="rows that hold its id have to be changed too",
    ),
    ("query", "table"): Way(
        "own copy",
        8,
        "a model over the other app's table gets a table of its own",
        "Give {source} a table of its own, which an event brings up to date, instead of that of"
        " {target}.",
        doubt="if it writes there too, those writes become events of their own",
    ),
    ("query", ""): JOIN,
    ("join", ""): JOIN,
    ("transaction", ""): Way(
        "event",
        13,
        "what was written together is written one after the other: each state between has to be"
        " right",
        "Announce an event in the transaction of {source}, and write {target} in a subscriber of"
        " {target_app}.",
        CARVE,
        doubt="whether the one may be seen without the other is for people to decide",
    ),
    ("cascade", ""): Way(
        "event",
        8,
        "deletion follows later, and has to be able to follow twice",
        "Announce an event where {source} deletes, and let {target_app} delete or empty {target} in"
        " a subscriber.",
        UNLINK,
    ),
    ("migration", "kept elsewhere"): Way(
        "move",
        3,
        "files move, and what settings say of them",
        "Move {source} to the app that has the rows: {target} and its migrations go together.",
    ),
    ("fork", ""): Way(
        "own label",
        8,
        "tables, permissions and migrations are named for a label",
        "Give {source} a label and tables of its own, or let it stay with {target}.",
        doubt="whose rows they are is for people to decide",
    ),
    ("migration", ""): Way(
        "falls away",
        0.5,
        "it goes with the relation that it is for",
        "Squash the migrations of {source_app} once its relations to {target_app} are unlinked:"
        " {source} needs {target} no more.",
    ),
}
