"""Rules for couplings in code: imports, names in strings, signal receivers."""

from carveout.carving.plan.rules.rule import CARVE, CutRule, CutRules

RETURNED = "a call whose return value is used needs a lookup, not an event"

CODE: CutRules = {
    ("import", "type checking"): CutRule(
        "falls away",
        0.5,
        "nothing needs it at run time",
        "Write the type of {names} in {source} as a Protocol, or leave it out.",
    ),
    ("import", "of models"): CutRule(
        "lookup or event",
        3,
        "each use has to be rewritten; relations and queries are counted separately",
        "Do not use {names} of {target} in {source}: keep its id, read it through a lookup of"
        " {target_app}, and publish an event for what {target_app} has to change.",
        doubt="only the code that uses the name shows whether it reads or writes",
    ),
    ("import", "of functions"): CutRule(
        "event",
        5,
        "an event that both sides agree on; a return value needs a lookup",
        "Publish an event in {source} instead of calling {names} of {target}, which becomes its"
        " subscriber; read what the call returns through a lookup.",
        CARVE,
        doubt=RETURNED,
    ),
    ("import", "of urls"): CutRule(
        "own mount",
        1,
        "a line in the root URLs",
        "Mount {names} of {target} in the project's own URLs instead of in {source}.",
    ),
    ("import", "of questions"): CutRule(
        "lookup",
        4,
        "a lookup that both sides agree on; there may already be one",
        "In {source}, use a lookup of {target_app} instead of calling {names} of {target}.",
        doubt="this is inferred from the name only; a function that touches no rows can be copied",
    ),
    ("import", "of results"): CutRule(
        "lookup or event",
        5,
        "a lookup for the return value; what the call changes becomes an event",
        "In {source}, read what {names} of {target} returns through a lookup of {target_app}. If"
        " the call also changes rows, publish an event for that.",
        doubt="only its code shows whether it changes rows; what touches none can be copied",
    ),
    ("import", "at start-up"): CutRule(
        "library",
        2,
        "what others register with moves once for all of them",
        "Move {names} of {target} into a library that all may use: {source} calls it as the process"
        " starts, when there is nothing to announce.",
        doubt="code that stores rows is not a library: replace it by a lookup or an event",
    ),
    ("import", "of a library"): CutRule(
        "library",
        1,
        "it moves once for all its importers",
        "Move {target} out of {target_app} into a library that all may use: {source} is one of many"
        " that import it.",
        doubt="code that stores rows is not a library: replace it by a lookup or an event",
    ),
    ("import", "of helpers"): CutRule(
        "copy or library",
        2,
        "a function that stores nothing is copied, or moves once",
        "Copy {names} of {target} next to {source}, or move it into a library that both may use.",
        doubt="only the module's name suggests that it touches no rows",
    ),
    ("import", "in migrations"): CutRule(
        "falls away",
        1,
        "old migrations are squashed, or what they import moves",
        "Squash the migrations of {source_app}, or copy what {source} needs of {target} into it.",
    ),
    ("import", "of signals"): CutRule(
        "event",
        3,
        "a signal is almost an event already",
        "Publish an event of {target_app} where {names} of {target} is sent, and let {source}"
        " subscribe to it.",
    ),
    ("import", "of classes"): CutRule(
        "copy or library",
        3,
        "code that inherits from it or creates it has to be rewritten",
        "Copy {names} of {target} next to {source}, or move it into a library that both may use.",
        doubt="a class that keeps state or rows has to stay where it is",
    ),
    ("import", "of constants"): CutRule(
        "copy",
        1,
        "one line to copy a value",
        "Copy {names} of {target} next to {source}, or carry the value in an event.",
    ),
    ("import", ""): CutRule(
        "event or lookup",
        5,
        "each use of the module is decided separately",
        "Where {source} calls {target} to get something done, publish an event; where it reads,"
        " use a lookup of {target_app}.",
        CARVE,
        doubt="it is not known what is used of the module",
    ),
    ("string", "get_model"): CutRule(
        "lookup or event",
        3,
        "the same as an import of the model",
        "Do not use {target} in {source}: keep its id, read it through a lookup of {target_app},"
        " and publish an event for what {target_app} has to change.",
        doubt="only the code that uses the model shows whether it reads or writes",
    ),
    ("string", "in migrations"): CutRule(
        "falls away",
        1,
        "old migrations are squashed",
        "Squash the migrations of {source_app} once all have run, so that {source} no longer reads"
        " {target}.",
    ),
    ("string", "get_class"): CutRule(
        "copy or library",
        3,
        "code that inherits from it or creates it has to be rewritten",
        "Copy {target} next to {source}, or move it into a library that both may use.",
        doubt="a class that keeps state or rows has to stay where it is",
    ),
    ("string", "get_user_model"): CutRule(
        "id and lookup",
        2,
        "nearly all code looks accounts up by id",
        "Keep the id of {target} in {source}, and read the name or address through a lookup of"
        " {target_app}.",
    ),
    ("string", "import_string"): CutRule(
        "event or lookup",
        5,
        "the same as an import of what it names",
        "Publish an event in {source} instead of loading {target}, which becomes its subscriber;"
        " read what it returns through a lookup.",
        CARVE,
        doubt=RETURNED,
    ),
    ("string", "dotted path"): CutRule(
        "event or lookup",
        5,
        "the name of code that is called indirectly",
        "Publish an event instead of naming {target} in {source}, and let {target_app} subscribe;"
        " read what it returns through a lookup.",
        CARVE,
        doubt=RETURNED,
    ),
    ("string", "of an app"): CutRule(
        "setting of its own",
        1,
        "a line in settings",
        "Let {source} name {target} only where {target_app} is deployed.",
    ),
    ("string", "task name"): CutRule(
        "event",
        5,
        "an event that both sides agree on",
        "Publish an event instead of queueing {target} in {source}, and let {target_app} subscribe"
        " with a job.",
    ),
    ("string", "command"): CutRule(
        "event",
        3,
        "an event, or a schedule of its own",
        "Publish an event in {source} instead of calling {target}, or let {target_app} run it on"
        " its own schedule.",
    ),
    ("string", "fixture"): CutRule(
        "own data",
        1,
        "rows move to another file",
        "Move the rows of {target} out of {source} into a fixture of {target_app}.",
    ),
    ("string", "setting"): CutRule(
        "setting of its own",
        1,
        "a line in settings",
        "Let {source} name {target} only where {target_app} is deployed.",
    ),
    ("string", "model label"): CutRule(
        "other name",
        2,
        "one name to replace",
        "In {source}, name an event type or a lookup of {target_app} instead of {target}.",
    ),
    ("string", "permission"): CutRule(
        "other name",
        1,
        "only a name, which both sides may keep using",
        "Let {source} check a permission of {source_app} instead of {target}, or carry it in the"
        " session's token.",
    ),
    ("string", ""): CutRule(
        "other name",
        2,
        "one name to replace",
        "Do not name anything of {target_app} in {source}: read {target} through a lookup, or"
        " receive it in an event.",
    ),
    ("signal", ""): CutRule(
        "event",
        4,
        "a signal is almost an event already; the app that sends it does not own it",
        "Publish an event of {source_app} in {source}, and let {target_app} send {target} itself"
        " in a subscriber.",
        doubt="its receivers run inside the transaction now, a subscriber after it",
    ),
    ("receiver", "no sender"): CutRule(
        "event",
        4,
        "a signal is almost an event already",
        "Publish an event where {target} is sent, and make {source} its subscriber.",
        doubt="a receiver runs inside the sender's transaction, a subscriber after it",
    ),
    ("receiver", "of every app"): CutRule(
        "events",
        8,
        "one event for each app whose rows matter",
        "Let {source} subscribe to the events of the apps whose rows it needs, instead of receiving"
        " {target} of all.",
        doubt="only its code shows which rows it needs",
    ),
    ("receiver", ""): CutRule(
        "event",
        5,
        "an event that both sides agree on; the code that saves has to publish it",
        "Publish an event of {target_app} where {target} changes, and make {source} its"
        " subscriber.",
        doubt="a receiver runs inside the sender's transaction, a subscriber after it",
    ),
}
