"""Ways to cut what pages need of pages: the admin, templates, URLs."""

from carveout.plan.way import Way, Ways

PAGES: Ways = {
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
        "copy or library",
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
        "library",
        0.5,
        "a frame that all pages share moves once",
        "Move {target} to the project's own templates, where {source} finds it too.",
    ),
    ("template", "override"): Way(
        "move",
        2,
        "a page that two apps write becomes one",
        "Move what {source} changes of {target} to {target_app}, or give each its own page.",
        doubt="whose page it is is for people to decide",
    ),
    ("template", "render"): Way(
        "own page",
        2,
        "the page is copied, what it shows needs a lookup",
        "Show a template of {source_app} in {source} instead of {target}.",
    ),
    ("binding", ""): Way(
        "move or lookup",
        5,
        "forms and serializers over rows of others move to them, or take plain values",
        "Move {source} to {target_app}, which owns {target}, or let it take plain values that a"
        " lookup gives and an event carries.",
        doubt="whether it only shows rows or changes them is seen only in its code",
    ),
    ("template", ""): Way(
        "copy or library",
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
}
