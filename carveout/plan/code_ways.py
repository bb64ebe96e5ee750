"""Ways to cut what code needs of code: imports, names in strings, receivers of signals."""

from carveout.plan.way import CARVE, Way, Ways

CODE: Ways = {
    ("import", "type checking"): Way(
        "falls away",
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
    ("import", "of urls"): Way(
        "own mount",
        1,
        "a line in the root URLs",
        "Mount {names} of {target} in the project's own URLs instead of {source}.",
    ),
    ("import", "of questions"): Way(
        "lookup",
        4,
        "a lookup that both sides agree on; there may be one already",
        "Ask {target_app} by a lookup in {source} instead of calling {names} of {target}.",
        doubt="what is asked is told by the name only; if it touches no rows it may be copied",
    ),
    ("import", "of a library"): Way(
        "library",
        1,
        "it moves once for all who import it",
        "Move {target} out of {target_app} into a library that all may use: {source} is one of many"
        " that import it.",
        doubt="what keeps rows is no library: then it is a lookup or an event",
    ),
    ("import", "of helpers"): Way(
        "copy or library",
        2,
        "a function that keeps nothing is copied, or moves once",
        "Copy {names} of {target} to where {source} has it at hand, or move it into a library that"
        " both may use.",
        doubt="that it touches no rows is told by its module's name only",
    ),
    ("import", "in migrations"): Way(
        "falls away",
        1,
        "old migrations are squashed, or what they import moves",
        "Squash the migrations of {source_app}, or write what {source} needs of {target} into it.",
    ),
    ("import", "of signals"): Way(
        "event",
        3,
        "a signal is nearly an event already",
        "Announce an event of {target_app} where {names} of {target} is sent, and let {source}"
        " subscribe to it.",
    ),
    ("import", "of classes"): Way(
        "copy or library",
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
    ("string", "get_model"): Way(
        "lookup or event",
        3,
        "the same as an import of the model",
        "Use no {target} in {source}: keep its id, read it by a lookup of {target_app}, and"
        " announce an event for what {target_app} has to change.",
        doubt="whether it reads or writes is seen only where the model is used",
    ),
    ("string", "in migrations"): Way(
        "falls away",
        1,
        "old migrations are squashed",
        "Squash the migrations of {source_app} once all have run, so that {source} reads no"
        " {target}.",
    ),
    ("string", "get_class"): Way(
        "copy or library",
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
    ("string", "of an app"): Way(
        "setting of its own",
        1,
        "a line in settings",
        "Let {source} name {target} only where {target_app} is deployed.",
    ),
    ("string", "task name"): Way(
        "event",
        5,
        "an event that both sides agree on",
        "Announce an event instead of queueing {target} in {source}, and let {target_app} subscribe"
        " by a job.",
    ),
    ("string", "command"): Way(
        "event",
        3,
        "an event, or a schedule of its own",
        "Announce an event in {source} instead of calling {target}, or let {target_app} run it by"
        " its own schedule.",
    ),
    ("string", "fixture"): Way(
        "own data",
        1,
        "rows move to another file",
        "Move the rows of {target} out of {source} into a fixture of {target_app}.",
    ),
    ("string", "setting"): Way(
        "setting of its own",
        1,
        "a line in settings",
        "Let {source} name {target} only where {target_app} is deployed.",
    ),
    ("string", "model label"): Way(
        "other name",
        2,
        "a name in a place",
        "Name a type of event or a lookup of {target_app} in {source} instead of {target}.",
    ),
    ("string", "permission"): Way(
        "other name",
        1,
        "only a name, which both sides may go on using",
        "Let {source} ask for a permission of {source_app} instead of {target}, or carry it in the"
        " session's token.",
    ),
    ("string", ""): Way(
        "other name",
        2,
        "a name in a place",
        "Let {source} name nothing of {target_app}: {target} is asked for by a lookup, or told by"
        " an event.",
    ),
    ("signal", ""): Way(
        "event",
        4,
        "a signal is nearly an event already; who sends it is not who has it",
        "Announce an event of {source_app} in {source}, and let {target_app} send {target} itself"
        " in a subscriber.",
        doubt="its receivers run inside the transaction now, a subscriber after it",
    ),
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
}
