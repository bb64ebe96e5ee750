"""Rules for couplings in pages: the admin, templates, URLs."""

from carveout.carving.plan.rules.rule import CutRule, CutRules

PAGES: CutRules = {
    ("admin", "inline"): CutRule(
        "lookup",
        3,
        "a form over the other app's rows becomes a list",
        "Take {target} out of {source}, and show it read-only from a lookup of {target_app}, or"
        " link to its own admin.",
    ),
    ("admin", "autocomplete"): CutRule(
        "id",
        2,
        "a widget becomes a field for an id",
        "Replace {source} by a field for the id of {target}, checked by a lookup.",
    ),
    ("admin", "raw id"): CutRule(
        "id",
        1,
        "it is already an id",
        "Take {target} out of {source}: only a field for its id remains.",
    ),
    ("admin", "lookup"): CutRule(
        "lookup or own copy",
        2,
        "a column or filter that joins",
        "Do not join {target} in {source}: use one lookup of {target_app} per page of rows, or let"
        " the relation lead to an own copy (`manage.py unlink … --to copy`).",
    ),
    ("admin", "register"): CutRule(
        "move",
        2,
        "the class moves",
        "Move {source} to {target_app}, which owns {target}.",
    ),
    ("admin", ""): CutRule(
        "lookup",
        2,
        "a part of an admin page",
        "In {source}, show {target} from a lookup of {target_app}.",
    ),
    ("template", "load"): CutRule(
        "copy or library",
        1,
        "a tag library is copied or shared",
        "Copy the tags of {target} that {source} uses into {source_app}, or move them into a"
        " library that both may use.",
    ),
    ("template", "include"): CutRule(
        "copy or lookup",
        2,
        "the part is copied, and its data needs a lookup",
        "Copy {target} next to {source}, and pass it data from a lookup of {target_app}.",
    ),
    ("template", "extends"): CutRule(
        "library",
        0.5,
        "a base template that all pages share moves once",
        "Move {target} to the project's own templates, where {source} finds it too.",
    ),
    ("template", "override"): CutRule(
        "move",
        2,
        "a page that two apps write becomes one",
        "Move the changes that {source} makes to {target} into {target_app}, or give each its own"
        " page.",
        doubt="decide which app owns the page",
    ),
    ("template", "render"): CutRule(
        "own page",
        2,
        "the page is copied, and its data needs a lookup",
        "Show a template of {source_app} in {source} instead of {target}.",
    ),
    ("binding", ""): CutRule(
        "move or lookup",
        5,
        "forms and serializers over the other app's rows move there, or take plain values",
        "Move {source} to {target_app}, which owns {target}, or let it take plain values: from a"
        " lookup to read, in an event to change.",
        doubt="only its code shows whether it reads rows or changes them",
    ),
    ("template", ""): CutRule(
        "copy or library",
        1,
        "a part of a page",
        "Copy {target} next to {source}, or move it into a library that both may use.",
    ),
    ("url", "mount"): CutRule(
        "own mount",
        1,
        "a line in the root URLs",
        "Mount {target} in the project's own URLs instead of in {source}.",
    ),
    ("url", "setting"): CutRule(
        "setting of its own",
        0.5,
        "a line in settings",
        "In {source}, write the address instead of the name {target}.",
    ),
    ("url", ""): CutRule(
        "address",
        0.5,
        "one line; it works as it is until the two are deployed separately",
        "Let {source} read the address of {target} from a setting, once {target_app} is deployed"
        " separately.",
    ),
}
