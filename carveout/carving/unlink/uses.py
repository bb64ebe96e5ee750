"""Finds what uses a relation, forward and backward: all of it breaks once that is an id."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django.db.models import Model

from carveout.carving.survey.facts import LOOKUP, Call
from carveout.carving.survey.kinds.admin_classes import COMPLETED, LOOKED_UP
from carveout.carving.survey.kinds.queries import queried
from carveout.carving.survey.kinds.templates import Templates, walks
from carveout.carving.survey.model_index import Models, admin_classes
from carveout.carving.survey.model_inference import Rows
from carveout.carving.survey.query_variables import words
from carveout.carving.survey.query_words import JOINING
from carveout.carving.survey.sources import SourceFile, Sources
from carveout.carving.unlink.relation import Relation

OPTIONS = (
    *LOOKED_UP,
    *COMPLETED,
    *("fields", "readonly_fields", "raw_id_fields", "fieldsets", "fk_name", "radio_fields"),
)
"""Options of admin classes that name fields."""
OUTER = "OuterRef"
FORMSETS = {"inlineformset_factory"}
NAMED_FIELDS = ("fields", "exclude", "filterset_fields", "search_fields", "ordering_fields")


class Use(NamedTuple):
    """A line that uses the relation."""

    file: str
    line: int
    what: str
    """As it is written: `order__status`."""
    becomes: str
    sure: bool = True
    """False: the model is guessed from a variable's name."""
    reads: str | None = None
    """What it reads of the other row, `status`; empty: the row itself; None: it reads nothing."""


def uses(relation: Relation, sources: Sources, models: Models, rows: Rows) -> list[Use]:
    """All uses that can be found, by file and line."""
    found = {*_UseSearch(relation, sources, models, rows).all()}
    surely = {(each.file, each.line, each.what) for each in found if each.sure}
    kept = (each for each in found if each.sure or each[:3] not in surely)
    return sorted(kept, key=lambda each: (each.file, each.line, each.what))


class _UseSearch:
    def __init__(self, relation: Relation, sources: Sources, models: Models, rows: Rows) -> None:
        self.relation, self.field = relation, relation.field
        self.sources, self.models, self.rows = sources, models, rows

    def all(self) -> Iterator[Use]:
        for source in self.sources:
            if not source.migration:
                yield from self._chains(source)
                for call in source.facts.calls:
                    yield from self._call(source, call)
                yield from self._declared(source)
        yield from self._admin()
        for each in walks(Templates(self.sources.project), self.models, self.rows):
            if each.relation.field.itself is self.field:
                back = _is_back(self.relation, each.relation.model)
                becomes = self._of_step(each.chain, back)
                reads = self._reads(each.chain, back)
                yield Use(each.file, each.line, each.chain, becomes, each.sure, reads)

    # -- Code ----------------------------------------------------------------------------------

    def _chains(self, source: SourceFile) -> Iterator[Use]:
        """`notification.order.number`, `order.notifications.all()`."""
        for use in source.facts.uses():
            for reached, sure in self.rows.walked(source, use.name, use.place.scope):
                if reached.field.itself is self.field:
                    back = _is_back(self.relation, reached.model)
                    becomes, reads = self._of_step(use.name, back), self._reads(use.name, back)
                    yield Use(source.file, use.line, use.name, becomes, sure, reads)

    def _of_step(self, chain: str, back: bool) -> str:
        if back:
            return f"a lookup of {self.relation.context}, or a query there by {self._id}"
        after = chain.partition(f"{self.field.name}.")[2]
        if not after or after in ("pk", "id", self.relation.to.name):
            return self._id
        return f"{self._id}; {after} by a lookup of {self.relation.owner}"

    def _reads(self, chain: str, back: bool) -> str | None:
        after = chain.partition(f"{self.field.name}.")[2]
        return None if back else after.partition("(")[0].replace(".", "__")

    @property
    def _id(self) -> str:
        return str(self.field.attname)

    def _call(self, source: SourceFile, call: Call) -> Iterator[Use]:
        """Keywords that fill the relation, and lookups over it."""
        made = self.models.named(source.facts.resolve(call.name, call.place.scope))
        if made is not None and issubclass(made, self.relation.model):
            if self.field.name in call.keywords:
                yield self._keyword(source, call, True)
            return
        if call.last in FORMSETS:
            yield from self._formset(source, call)
        root, sure = self.rows.of(source, queried(call), call.place.scope)
        if call.last == OUTER and self.field.name in call.arguments:
            what = f'{OUTER}("{self.field.name}")'
            yield Use(source.file, call.line, what, self._id, False, "")
        if root is None:
            return
        if issubclass(root, self.relation.model) and self.field.name in call.keywords:
            yield self._keyword(source, call, sure)
        for word, at in words(source, call, self.sources) if call.words else ():
            path = word.value.lstrip("-")
            is_filled = path == self.field.name and path in call.keywords
            if not is_filled and (word.form == LOOKUP or not word.depth):
                yield from self._path(
                    source.file, at.line, root, path, sure, joins=call.last in JOINING
                )

    def _formset(self, source: SourceFile, call: Call) -> Iterator[Use]:
        """Rows of the model inside a form of the target's."""
        given = [*call.arguments, *call.keywords.values()]
        names = [each[1:] for each in given if each.startswith("=")]
        models = [self.models.named(source.facts.resolve(each, call.place.scope)) for each in names]
        if self.relation.model in models and self.relation.target in models:
            becomes = f"DECIDE: drop it, or a form of {self.relation.context}"
            yield Use(source.file, call.line, call.last, becomes)

    def _keyword(self, source: SourceFile, call: Call, sure: bool) -> Use:
        name = self.field.name
        becomes = f"{self._id}=….{'pk' if self.relation.to.primary_key else self.relation.to.name}"
        return Use(source.file, call.line, f"{call.name}({name}=…)", becomes, sure)

    def _path(
        self,
        file: str,
        line: int,
        root: type[Model],
        path: str,
        sure: bool = True,
        *,
        joins: bool = False,
    ) -> Iterator[Use]:
        """A lookup, if it goes over the relation. joins: it can't be by an id."""
        for crossed in self.models.crossed(root, path):
            if crossed.itself is self.field:
                becomes = "drop it" if joins else self._of_path(root, path)
                yield Use(file, line, path, becomes, sure, self._after(root, path))
                return

    def _after(self, root: type[Model], path: str) -> str | None:
        """What a lookup reads of the other row."""
        before, found, after = f"__{path}__".partition(f"__{self.field.name}__")
        is_forward = found and issubclass(root, self.relation.model) and not before
        return after.removesuffix("__") if is_forward else None

    def _of_path(self, root: type[Model], path: str) -> str:
        before, found, after = f"__{path}".partition(f"__{self.field.name}")
        if found and issubclass(root, self.relation.model) and not before:
            if not after or after.lstrip("_") in (
                "pk",
                "id",
                "isnull",
                "in",
                self.relation.to.name,
            ):
                return self._id
            return f"DECIDE: drop it, or an own copy of {after.lstrip('_')}"
        return f"DECIDE: drop it, or a lookup of {self.relation.context}"

    def _declared(self, source: SourceFile) -> Iterator[Use]:
        """Fields that forms, serializers and filters of the model name."""
        for scope, definition in source.facts.definitions.items():
            inner = f"{scope}.Meta" if f"{scope}.Meta.model" in source.facts.definitions else scope
            named = source.facts.definitions.get(f"{inner}.model")
            model = self.models.named(source.facts.resolve(named.value)) if named else None
            if model is None or not definition.bases:
                continue
            for option in NAMED_FIELDS:
                text = source.facts.strings.get(f"{inner}:{option}")
                for path in text.value.split() if text else ():
                    for use in self._path(source.file, text.line if text else 0, model, path):
                        number = f"DECIDE: {self._id} is a number; or a field of your own"
                        yield use._replace(
                            becomes=number if path == self.field.name else use.becomes
                        )

    # -- The admin -----------------------------------------------------------------------------

    def _admin(self) -> Iterator[Use]:
        for model, admin in admin_classes(self.sources.project):
            yield from self._options(admin, model)
            for inline in getattr(admin, "inlines", ()):
                shown = getattr(inline, "model", None)
                if shown is self.relation.model and issubclass(self.relation.target, model):
                    file, line = self._where(admin, "inlines")
                    becomes = f"DECIDE: drop it, or a link to the admin of {self.relation.context}"
                    yield Use(file, line, inline.__name__, becomes)
                elif shown is not None:
                    yield from self._options(inline, shown)

    def _options(self, admin: Any, model: type[Model]) -> Iterator[Use]:
        if not self.sources.project.is_own(self.sources.project.app_of(admin.__module__)):
            return
        for option in OPTIONS:
            for path in _names(vars(admin).get(option, ())):
                file, line = self._where(admin, option)
                joins = option in (*COMPLETED, "list_select_related")
                yield from self._path(file, line, model, path.lstrip("^=@-"), joins=joins)

    def _where(self, admin: Any, attribute: str) -> tuple[str, int]:
        name = f"{admin.__module__}.{admin.__qualname__}"
        file, found = self.sources.defined(f"{name}.{attribute}")
        return (file, found.line) if found else (self.sources.defined(name)[0], 0)


def _is_back(relation: Relation, reached: type[Model]) -> bool:
    """Whether a step over the relation leads from the target to the model."""
    return reached is relation.model


def _names(declared: Any) -> Iterable[str]:
    """The names in an option, at any depth."""
    if isinstance(declared, str):
        yield declared
    elif isinstance(declared, dict):
        yield from _names(list(declared.values()) + list(declared))
    elif isinstance(declared, list | tuple):
        for each in declared:
            yield from _names(each)
