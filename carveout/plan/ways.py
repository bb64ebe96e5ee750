"""Ways to cut: for each kind and form of coupling what is to be done, and what it takes.

Points compare, they are no hours. 1 is one line changed where it stands, with nothing to decide;
3 a place to write anew; 5 something that both sides have to agree on, such as an event or a
lookup; 8 and more, that rows or guarantees change too.
"""

import msgspec

UNLINK = "manage.py unlink {source}"
CARVE = "manage.py carve {call} --event TYPE"


class Way(msgspec.Struct, frozen=True):
    to: str
    """What the coupling becomes, in a word or two."""
    points: float
    reason: str
    """Why so many points."""
    text: str
    """What to do. Names between braces are those of the coupling."""
    command: str = ""
    """Empty where only a person can do it. What is in capitals has to be filled in."""
    doubt: str = ""
    """What a person has to decide first."""


GENERAL = Way(
    "lookup or event",
    3,
    "a kind that has no rule of its own",
    "{source} needs {target}: ask {target_app} by a lookup for what is read, and announce an event"
    " for what is changed.",
    doubt="there is no rule for this kind",
)

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

WAYS: dict[tuple[str, str], Way] = {
    # -- Imports: by what is imported, where that is known ------------------------------------
    ("import", "type checking"): Way(
        "nothing",
        0.5,
        "nothing runs it",
        "Write the type of {names} in {source} as a Protocol, or leave it out.",
    ),
    ("import", "of models"): Way(
        "lookup or event",
        3,
        "each use is a place to write anew; relations and queries are counted by themselves",
        "Use no {names} of {target} in {source}: keep its id, read it by a lookup of {target_app},"
        " and announce an event for what {target_app} has to change.",
        doubt="whether it reads or writes is seen only where the name is used",
    ),
    ("import", "of functions"): Way(
        "event",
        5,
        "an event that both sides agree on; what the call gave back needs a lookup",
        "Announce an event in {source} instead of calling {names} of {target}, which becomes its"
        " subscriber; what the call gives back is read by a lookup.",
        CARVE,
        doubt="a call whose answer is used needs a lookup, not an event",
    ),
    ("import", "of signals"): Way(
        "event",
        3,
        "a signal is nearly an event already",
        "Announce an event of {target_app} where {names} of {target} is sent, and let {source}"
        " subscribe to it.",
    ),
    ("import", "of classes"): Way(
        "copy or kernel",
        3,
        "whoever inherits or builds it has to be written anew",
        "Copy {names} of {target} to where {source} has it at hand, or move it into a library that"
        " both may use.",
        doubt="a class that keeps state or rows has to stay where it is",
    ),
    ("import", "of constants"): Way(
        "copy",
        1,
        "a value is copied in a line",
        "Copy {names} of {target} to where {source} has it at hand, or carry the value in an"
        " event.",
    ),
    ("import", ""): Way(
        "event or lookup",
        5,
        "what is used of the module is decided place by place",
        "Where {source} calls {target} for something to be done, announce an event; where it reads,"
        " use a lookup of {target_app}.",
        CARVE,
        doubt="what is used of the module is not known",
    ),
    # -- Relations: deletion costs more, see `deletion` ---------------------------------------
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
    # -- Strings ------------------------------------------------------------------------------
    ("string", "get_model"): Way(
        "lookup or event",
        3,
        "the same as an import of the model",
        "Use no {target} in {source}: keep its id, read it by a lookup of {target_app}, and"
        " announce an event for what {target_app} has to change.",
        doubt="whether it reads or writes is seen only where the model is used",
    ),
    ("string", "get_class"): Way(
        "copy or kernel",
        3,
        "whoever inherits or builds it has to be written anew",
        "Copy {target} to where {source} has it at hand, or move it into a library that both may"
        " use.",
        doubt="a class that keeps state or rows has to stay where it is",
    ),
    ("string", "get_user_model"): Way(
        "id and lookup",
        2,
        "accounts are asked for by id nearly everywhere",
        "Keep the id of {target} in {source}, and read name or address by a lookup of"
        " {target_app}.",
    ),
    ("string", "import_string"): Way(
        "event or lookup",
        5,
        "the same as an import of what it names",
        "Announce an event in {source} instead of loading {target}, which becomes its subscriber;"
        " what it gives back is read by a lookup.",
        CARVE,
        doubt="a call whose answer is used needs a lookup, not an event",
    ),
    ("string", "dotted path"): Way(
        "event or lookup",
        5,
        "a name of code that is called from afar",
        "Announce an event instead of naming {target} in {source}, and let {target_app} subscribe;"
        " what it gives back is read by a lookup.",
        CARVE,
        doubt="a call whose answer is used needs a lookup, not an event",
    ),
    ("string", "setting"): Way(
        "setting of its own",
        1,
        "a line in settings",
        "Let {source} name {target} only where {target_app} is deployed.",
    ),
    ("string", "model label"): Way(
        "name",
        2,
        "a name in a place",
        "Name a type of event or a lookup of {target_app} in {source} instead of {target}.",
    ),
    ("string", "permission"): Way(
        "name",
        1,
        "only a name, which both sides may go on using",
        "Let {source} ask for a permission of {source_app} instead of {target}, or carry it in the"
        " session's token.",
    ),
    ("string", ""): Way(
        "name",
        2,
        "a name in a place",
        "Let {source} name nothing of {target_app}: {target} is asked for by a lookup, or told by"
        " an event.",
    ),
    # -- Receivers ----------------------------------------------------------------------------
    ("receiver", "no sender"): Way(
        "event",
        4,
        "a signal is nearly an event already",
        "Announce an event where {target} is sent, and make {source} its subscriber.",
        doubt="a receiver runs inside the sender's transaction, a subscriber after it",
    ),
    ("receiver", "of every app"): Way(
        "events",
        8,
        "one event for each app whose rows matter",
        "Let {source} subscribe to the events of those apps whose rows it cares for, instead of"
        " hearing {target} of all.",
        doubt="which rows it cares for is seen only in its code",
    ),
    ("receiver", ""): Way(
        "event",
        5,
        "an event that both sides agree on; the save that it follows has to announce it",
        "Announce an event of {target_app} where {target} changes, and make {source} its"
        " subscriber.",
        doubt="a receiver runs inside the sender's transaction, a subscriber after it",
    ),
    # -- Admin and pages ----------------------------------------------------------------------
    ("admin", "inline"): Way(
        "lookup",
        3,
        "a form over rows of others becomes a list",
        "Take {target} out of {source}, and show it read-only from a lookup of {target_app}, or"
        " link to its own admin.",
    ),
    ("admin", "autocomplete"): Way(
        "id",
        2,
        "a widget for an id",
        "Make a field for the id of {target} out of {source}, checked by a lookup.",
    ),
    ("admin", "raw id"): Way(
        "id",
        1,
        "it is an id already",
        "Take {target} out of {source}: a field for its id is all that stays.",
    ),
    ("admin", "lookup"): Way(
        "lookup or own copy",
        2,
        "a column or filter that joins",
        "Join no {target} in {source}: ask a lookup of {target_app} for each page of rows, or keep"
        " a copy that an event brings up to date.",
    ),
    ("admin", "register"): Way(
        "move",
        2,
        "the class moves",
        "Move {source} to {target_app}, which owns {target}.",
    ),
    ("admin", ""): Way(
        "lookup",
        2,
        "a part of an admin page",
        "Show in {source} what a lookup of {target_app} says of {target}.",
    ),
    ("template", "load"): Way(
        "copy or kernel",
        1,
        "a tag library is copied or shared",
        "Copy the tags of {target} that {source} uses into {source_app}, or move them into a"
        " library that both may use.",
    ),
    ("template", "include"): Way(
        "copy or lookup",
        2,
        "the part is copied, what it shows needs a lookup",
        "Copy {target} to where {source} has it at hand, and give it what a lookup of {target_app}"
        " says.",
    ),
    ("template", "extends"): Way(
        "kernel",
        0.5,
        "a frame that all pages share moves once",
        "Move {target} to the project's own templates, where {source} finds it too.",
    ),
    ("template", ""): Way(
        "copy or kernel",
        1,
        "a part of a page",
        "Copy {target} to where {source} has it at hand, or move it into a library that both may"
        " use.",
    ),
    ("url", "mount"): Way(
        "own mount",
        1,
        "a line in the root URLs",
        "Mount {target} in the project's own URLs instead of {source}.",
    ),
    ("url", "setting"): Way(
        "setting of its own",
        0.5,
        "a line in settings",
        "Write the address instead of the name {target} in {source}.",
    ),
    ("url", ""): Way(
        "address",
        0.5,
        "a line; it works as it is until both are deployed apart",
        "Let {source} have the address of {target} from a setting, once {target_app} is deployed"
        " by itself.",
    ),
    # -- Queries, as read and as seen running -------------------------------------------------
    ("query", "raw SQL"): SQL,
    ("query", "extra"): SQL,
    ("query", "walk"): Way(
        "lookup",
        2,
        "one value, read by a lookup",
        "Do not walk to {target} in {source}: read it by a lookup of {target_app}, from the id.",
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
        "manage.py carve CALL --event TYPE",
        doubt="whether the one may be seen without the other is for people to decide",
    ),
    ("cascade", ""): Way(
        "event",
        8,
        "deletion follows later, and has to be able to follow twice",
        "Announce an event where {source} deletes, and let {target_app} delete or empty {target} in"
        " a subscriber.",
        "manage.py unlink MODEL.FIELD",
    ),
    # -- Migrations ---------------------------------------------------------------------------
    ("migration", ""): Way(
        "nothing",
        0.5,
        "it goes with the relation that it is for",
        "Squash the migrations of {source_app} once its relations to {target_app} are unlinked:"
        " {source} needs {target} no more.",
    ),
}
