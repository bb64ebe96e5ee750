"""Extracts the field names in an expression, through which a query may reach other models."""

import ast
from collections.abc import Iterator

import msgspec

from carveout.carving.survey.expressions import dotted, sound
from carveout.carving.survey.facts import ITEM, KEY, LOOKUP, Word

BY_KEYWORD = {
    *("filter", "exclude", "get", "get_or_create", "update_or_create", "aget", "Q", "When"),
    *("get_object_or_404", "get_list_or_404"),
}
BY_EXPRESSION = {"annotate", "alias", "aggregate", "aaggregate", "update", "aupdate"}
"""Calls whose keywords are new names, or columns that are written."""
BY_STRING = {
    *("order_by", "values", "values_list", "only", "defer", "distinct", "latest", "earliest"),
    *("dates", "datetimes", "alatest", "aearliest", "F", "OuterRef", "Lower", "Coalesce"),
}
JOINING = {"select_related", "prefetch_related", "Prefetch"}
OF_GIVEN_ROWS = {"prefetch_related_objects", "aprefetch_related_objects"}
ASKING = BY_KEYWORD | BY_EXPRESSION | BY_STRING | JOINING | OF_GIVEN_ROWS
NO_LOOKUPS = {"Value", "RawSQL", "Func", "JSONObject", "CombinedExpression", "ContentType"}
"""Expressions whose strings are text, not field names."""

GATHERING = {
    *("dict", "list", "tuple", "set", "frozenset", "sorted", "reversed", "reduce", "chain", "copy"),
    *("deepcopy", "OrderedDict", "ChainMap", "MappingProxyType"),
}
"""Calls that return what they are given."""
AS_IT_IS = {"copy", "keys", "items", "union", "asc", "desc"}
ONE_OF_IT = {"get", "pop", "values", "setdefault"}
ADDING = {"update", "append", "extend", "insert", "add", "appendleft", "setdefault"}
"""Methods that add to a variable."""


def words_of(node: ast.AST | None) -> Iterator[Word]:
    """All strings and names in this expression that may become part of a lookup."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if node.value.lstrip("-").isidentifier():
            yield Word(sound(node.value))
    elif isinstance(node, ast.Name | ast.Attribute):
        name = dotted(node).removesuffix(".value")  # of an enum
        if name:
            yield Word(f"={name}", "")
    elif isinstance(node, ast.Dict):
        yield from _of_dict(node)
    elif isinstance(node, ast.Subscript):
        yield from _taken(words_of(node.value))
    elif isinstance(node, ast.Call):
        yield from _of_call(node)
    elif isinstance(node, ast.List | ast.Tuple | ast.Set):
        for each in node.elts:
            spread = isinstance(each, ast.Starred)
            yield from words_of(each) if spread else map(_in_list, words_of(each))
    elif isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
        yield from map(_in_list, words_of(node.elt))
    elif isinstance(node, ast.DictComp):
        yield from map(_as_key, words_of(node.key))
        yield from map(_deeper, words_of(node.value))
    else:
        for each in _parts(node):
            yield from words_of(each)


def _parts(node: ast.AST | None) -> list[ast.expr]:
    """The parts of an expression that gives one of them, or all of them together."""
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.BoolOp):
        return node.values
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    if isinstance(node, ast.UnaryOp):
        return [node.operand]
    if isinstance(node, ast.Starred | ast.NamedExpr | ast.Await | ast.FormattedValue):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        texts = [each.value for each in node.values if isinstance(each, ast.Constant)]
        return node.values if all(each == "-" for each in texts) else []
    return []


def _of_dict(node: ast.Dict) -> Iterator[Word]:
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            yield from words_of(value)
        else:
            yield from map(_as_key, words_of(key))
            yield from map(_deeper, words_of(value))


def _of_call(node: ast.Call) -> Iterator[Word]:
    name = dotted(node.func)
    last = node.func.attr if isinstance(node.func, ast.Attribute) else name
    if last in NO_LOOKUPS:
        return
    if isinstance(node.func, ast.Attribute) and last in AS_IT_IS:
        yield from words_of(node.func.value)
        yield from words_in(node)
    elif isinstance(node.func, ast.Attribute) and last in ONE_OF_IT:
        yield from _taken(words_of(node.func.value))
        for each in node.args[1:]:
            yield from words_of(each)
    elif last in GATHERING:
        made = _as_pairs if last.lower().endswith("dict") else _same
        yield from map(made, words_in(node, keys=True))
    elif last[:1].isupper():
        yield from _in_expression(words_in(node, keys=last in BY_KEYWORD))
    elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
        yield from (each for each in words_of(node.func.value) if each.form == LOOKUP)
    elif name:
        yield Word(f"={name}()", "")


def words_in(node: ast.Call, keys: bool = False) -> Iterator[Word]:
    """The words in a call's arguments; `keys`: its keywords count as strings too."""
    for given in node.args:
        yield from words_of(given)
    for each in node.keywords:
        if each.arg is None:
            yield from words_of(each.value)
            continue
        if keys:
            yield Word(each.arg, KEY)
        yield from map(_deeper, words_of(each.value))


def asked(node: ast.Call, name: str) -> tuple[Word, ...]:
    """The words that a query is given. Expressions in it are calls themselves, and left out."""
    words = [each for given in node.args for each in words_of(given)]
    for each in node.keywords:
        new = each.arg or name not in BY_KEYWORD  # a name that the query gives, or a value
        further = words_of(each.value)
        words += map(_deeper, further) if new else further
        if each.arg and name in BY_KEYWORD:
            words.append(Word(each.arg, KEY))
    return tuple(each for each in words if each.form != LOOKUP or each.variable)


def adds(node: ast.Call) -> Iterator[Word]:
    """The words that a method such as `update` or `append` puts into its variable."""
    if isinstance(node.func, ast.Attribute) and node.func.attr == "setdefault" and node.args:
        return put_at(node.args[0], node.args[-1])
    words = words_in(node, keys=True)
    return map(_in_list, words) if dotted(node.func).endswith(("append", "insert")) else words


def put_at(key: ast.expr, value: ast.expr) -> Iterator[Word]:
    """The words that `w[key] = value` puts into w."""
    yield from map(_as_key, words_of(key))
    yield from map(_deeper, words_of(value))


def _same(word: Word) -> Word:
    return word


def _taken(words: Iterator[Word]) -> Iterator[Word]:
    """The words of one value that is taken out of a dict or list, without the dict's keys."""
    for word in words:
        if word.variable:
            yield msgspec.structs.replace(word, taken=word.taken + 1)
        elif word.form != KEY or word.depth:
            yield msgspec.structs.replace(word, depth=max(word.depth - 1, 0))


def _in_list(word: Word) -> Word:
    return msgspec.structs.replace(word, form=ITEM) if word.form in (KEY, "") else word


def _deeper(word: Word) -> Word:
    return msgspec.structs.replace(word, depth=word.depth + 1)


def _as_key(word: Word) -> Word:
    return word if word.form == LOOKUP else msgspec.structs.replace(word, form=KEY)


def _as_pairs(word: Word) -> Word:
    """For `dict([("order__paid", True)])`: the word becomes a key."""
    return word if word.variable or word.depth else _as_key(word)


def _in_expression(words: Iterator[Word]) -> Iterator[Word]:
    """The field names in an expression such as `Q(order__paid="text")`, without its values."""
    for word in words:
        if word.variable or word.form == LOOKUP or not word.depth:
            yield msgspec.structs.replace(word, form=LOOKUP)
