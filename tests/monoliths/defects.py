"""Defects, planted at random in a project that is surveyed: each may cost only itself, and is told.

Run with a copy of the project, by its own interpreter: python defects.py ROOT SEED DEFECTS.
Django is started once, and each defect is undone. After each there are two surveys: of the project
with the defect, and of one that lacks what the defect has damaged. All that the second finds has to
be in the first, and nothing that is in neither it nor the sound project; and `--check` has to fail.
"""

import random
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management.base import CommandError  # noqa: E402
from django.template import engines  # noqa: E402
from django.urls import URLResolver, clear_url_caches, get_resolver  # noqa: E402

from carveout.carving.survey.kinds.signal_receivers import signals  # noqa: E402
from carveout.carving.survey.model_index import Models, admin_classes  # noqa: E402
from carveout.carving.survey.project import Project  # noqa: E402
from carveout.carving.survey.result import Survey  # noqa: E402
from carveout.carving.survey.run import survey  # noqa: E402
from carveout.carving.survey.sources import Sources  # noqa: E402
from carveout.carving.survey.url_modules import included  # noqa: E402
from carveout.management import ratchet  # noqa: E402
from carveout.management.base import KitCommand  # noqa: E402

ROOT = Path(sys.argv[1]).resolve()
FIRST = Project(ROOT, {}, cached=False)
GARBAGE = (b"\xff\xfe\xff", b"def of old:\n", b"print 'of old'\n", b"x = '\0'\n")
RAISED = "planted by these tests"
OPTIONS: dict[str, Any] = {
    "check": False,
    "write": False,
    "accept": None,
    "allow_unread": [],
    "strict": False,
}
Undo = ExitStack


class Defect:
    """`told` begins the name of what has to be told; `without` makes the project lack it."""

    def __init__(self, what: str, told: str) -> None:
        self.what = what
        self.told = told
        self.plant: Callable[[Undo], None] = lambda undo: None
        self.without: Callable[[Undo], None] = lambda undo: None


class Raises:
    """In the place of an attribute, whether an object or a class is asked for it."""

    def __init__(self, error: type[Exception]) -> None:
        self.error = error

    def __get__(self, of: Any, owner: Any = None) -> Any:
        raise self.error(RAISED)

    def __set__(self, of: Any, value: Any) -> None:
        raise self.error(RAISED)


def disguised(undo: Undo, of: Any, **attributes: Any) -> None:
    """Give an object, or a class, a class of its own with these attributes."""
    before = type(of)
    of.__class__ = type(before.__name__, (before,), attributes)
    undo.callback(setattr, of, "__class__", before)


def replaced(undo: Undo, of: Any, name: str, value: Any) -> None:
    own = vars(of)
    restore = (setattr, of, name, own[name]) if name in own else (delattr, of, name)
    undo.callback(*restore)
    setattr(of, name, value)


# -- Defects -----------------------------------------------------------------------------------


def field(chance: random.Random) -> Defect:
    model = chance.choice([each for each in Models(FIRST).own() if each._meta.local_fields])
    meta = model._meta
    lists = [meta.local_fields, meta.local_many_to_many, meta.private_fields]
    chosen = chance.choice([each for each in lists if each])
    one = chance.choice(chosen)
    names = ["is_relation", "name"]
    names += ["related_model", "remote_field"] if getattr(one, "related_model", None) else []
    lacks = chance.random() < 0.5
    names += [] if lacks else ["column", "auto_created"]
    name = chance.choice(names)
    error = AttributeError if lacks else chance.choice([RuntimeError, KeyError, TypeError])
    defect = Defect(f"{model._meta.label}.{one.name}: {name}: {error.__name__}", "field: ")
    defect.plant = lambda undo: disguised(undo, one, **{name: Raises(error)})

    def without(undo: Undo) -> None:
        before = list(chosen)
        chosen.remove(one)
        undo.callback(chosen.__setitem__, slice(None), before)

    defect.without = without
    return defect


def options(chance: random.Random) -> Defect:
    model = chance.choice(list(Models(FIRST).own()))
    name = chance.choice(["ordering", "permissions"])
    defect = Defect(f"{model._meta.label}: Meta.{name}", f"model: {model._meta.label}")
    defect.plant = lambda undo: disguised(undo, model._meta, **{name: Raises(ValueError)})

    def without(undo: Undo) -> None:
        for each in (name, "default_permissions")[: 1 + (name == "permissions")]:
            replaced(undo, model._meta, each, ())

    defect.without = without
    return defect


def admin(chance: random.Random) -> Defect | None:
    shown = [each for _, each in admin_classes(FIRST) if FIRST.app_of(each.__module__)]
    if not shown:
        return None
    one = chance.choice(shown)
    name = chance.choice(["list_display", "list_filter", "search_fields", "raw_id_fields"])
    defect = Defect(
        f"{one.__qualname__}.{name}", f"admin class: {one.__module__}.{one.__qualname__}"
    )
    defect.plant = lambda undo: disguised(undo, one, **{name: Raises(OSError)})
    defect.without = lambda undo: replaced(undo, one, name, ())
    return defect


class Odd:
    __module__ = Raises(RuntimeError)  # type: ignore[assignment]

    def __call__(self, **_: Any) -> None: ...


def receiver(chance: random.Random) -> Defect | None:
    heard = sorted(signals(Sources(FIRST)).items())
    places = [(name, each, at) for name, each in heard for at in range(len(each.receivers))]
    if not places:
        return None
    name, signal, at = chance.choice(places)
    key, _, *rest = signal.receivers[at]
    defect = Defect(f"a receiver of {name}", "receiver: ")
    before = list(signal.receivers)
    odd = [*before[:at], (key, Odd(), *rest), *before[at + 1 :]]
    defect.plant = lambda undo: replaced(undo, signal, "receivers", odd)
    lacking = [*before[:at], *before[at + 1 :]]
    defect.without = lambda undo: replaced(undo, signal, "receivers", lacking)
    return defect


def file(chance: random.Random) -> Defect:
    aside = {settings.ROOT_URLCONF, settings.SETTINGS_MODULE}
    sources = [each for each in Sources(FIRST) if each.facts.module not in aside]
    path = chance.choice([each for each in sources if not _of_settings(each.path)]).path
    garbage = chance.choice(GARBAGE)
    defect = Defect(f"{FIRST.file(path)}: {garbage!r}", f"file: {FIRST.file(path)}")
    defect.plant = lambda undo: written(undo, path, garbage)
    defect.without = lambda undo: written(undo, path, None)
    return defect


def _of_settings(path: Path) -> bool:
    """Without it no survey begins."""
    return "settings" in str(path.relative_to(ROOT))


def template(chance: random.Random) -> Defect | None:
    paths = sorted(each for each in ROOT.rglob("*.html") if _is_template(each))
    if not paths:
        return None
    path = chance.choice(paths)
    defect = Defect(FIRST.file(path), f"template: {FIRST.file(path)}")
    defect.plant = lambda undo: written(undo, path, b"\xff{% url 'x' %}")
    defect.without = lambda undo: written(undo, path, b"")
    return defect


def _is_template(path: Path) -> bool:
    """In an app of the project: what lies elsewhere is read only if settings name its folder."""
    apps = (app.path / "templates" for app in FIRST.apps.values() if app.own)
    return FIRST.holds(path) and any(path.is_relative_to(each) for each in apps)


def written(undo: Undo, path: Path, content: bytes | None) -> None:
    undo.callback(path.write_bytes, path.read_bytes())
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)


def loader(chance: random.Random) -> Defect | None:
    of_django = [each for each in settings.TEMPLATES if each["BACKEND"].endswith("DjangoTemplates")]
    if not of_django:
        return None
    engine = chance.choice(of_django)
    name = f"defects.{chance.choice(['RaisingLoader', 'LoaderOfNobody'])}"
    defect = Defect(name, f"template loader: {name}")
    before = engine.get("OPTIONS", {})
    loaders = [*before.get("loaders", ()), name]
    changed = {**engine, "OPTIONS": {**before, "loaders": loaders}}
    others = [changed if each is engine else each for each in settings.TEMPLATES]

    def plant(undo: Undo) -> None:
        replaced(undo, settings, "TEMPLATES", others)
        undo.callback(vars(engines).update, vars(engines).copy())
        vars(engines).pop("templates", None)  # which were kept since the first survey
        vars(engines).update(_engines={}, _templates=None)

    defect.plant = plant
    return defect


class RaisingLoader:
    is_usable = True

    def __init__(self, engine: Any) -> None:
        raise RuntimeError(RAISED)


class RaisingFinder(MetaPathFinder):
    """A module that is found, and raises when it is run."""

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name == self.name else None
        if spec and spec.origin:
            spec.loader = RaisingModule(name, spec.origin)
        return spec


class RaisingModule(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        raise OSError(RAISED)


def url_module(chance: random.Random) -> Defect | None:
    root = settings.ROOT_URLCONF
    above: dict[str, set[str]] = {root: {root}}
    resolvers: dict[str, list[Any]] = {root: [get_resolver()]}
    listed = _listed()
    for way in _ways(get_resolver().url_patterns, ()):
        names = [root, *filter(None, map(included, way))]
        holders = {name for each in way for name in listed[id(each)]}
        above.setdefault(names[-1], set()).update(names, holders)
        if included(way[-1]):
            resolvers.setdefault(names[-1], []).append(way[-1])
    own = sorted(
        name
        for name in above
        if FIRST.app_of(name) and _path(name) and not _is_held(name, above[name])
    )
    if not own:
        return None
    name = chance.choice(own)
    defect = Defect(name, f"URL module: {name}")
    defect.plant = lambda undo: _raising(undo, name, above[name])

    def without(undo: Undo) -> None:
        """Of what it says only the modules that it includes by a name that is written there."""
        text = _path(name).read_text("utf-8")
        module = sys.modules[name]
        left = list(_including(module.urlpatterns, text))
        undo.callback(clear_url_caches)
        replaced(undo, module, "urlpatterns", left)
        for each in resolvers[name]:
            if "url_patterns" in vars(each):
                undo.callback(vars(each).__setitem__, "url_patterns", each.url_patterns)
                vars(each)["url_patterns"] = left
        clear_url_caches()

    defect.without = without
    return defect


def _listed() -> dict[int, set[str]]:
    """By a resolver's identity, the modules that have it in a list: they raise with what it has."""
    found: dict[int, set[str]] = defaultdict(set)
    for name, module in list(sys.modules.items()):
        for value in [*vars(module).values()]:
            for each in value if type(value) is list else ():  # asks lazy objects nothing
                if issubclass(type(each), URLResolver):
                    found[id(each)].add(name)
    return found


def _is_held(name: str, above: set[str]) -> bool:
    """By others than those that include it, such as hooks: they would go on with the sound one."""
    around = {*above, name.rpartition(".")[0]}
    others = [module for each, module in sys.modules.items() if each not in around]
    return any(value is sys.modules[name] for each in others for value in [*vars(each).values()])


def _including(patterns: Any, text: str) -> Iterator[URLResolver]:
    """Resolvers of modules that the text names, in the lists, and so in the namespaces, around."""
    for each in patterns:
        if isinstance(each, URLResolver):
            inner = [] if included(each) else list(_including(each.url_patterns, text))
            if _names(text, included(each)):
                yield each
            elif inner:
                yield URLResolver(each.pattern, inner, None, each.app_name, each.namespace)


def _names(text: str, module: str) -> bool:
    return bool(module) and f'"{module}"' in text.replace("'", '"')


def _ways(patterns: Any, way: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    for each in patterns:
        if isinstance(each, URLResolver):
            yield (*way, each)
            yield from _ways(each.url_patterns, (*way, each))


def _path(name: str) -> Path:
    return Path(sys.modules[name].__file__ or "") if name in sys.modules else Path()


def _raising(undo: Undo, name: str, above: set[str]) -> None:
    undo.callback(clear_url_caches)
    for each in above:
        undo.callback(sys.modules.__setitem__, each, sys.modules.pop(each))
        package, _, last = each.rpartition(".")
        held = vars(sys.modules.get(package, sys))
        if last in held:  # else `from package import urls` would find it there
            undo.callback(held.__setitem__, last, held.pop(last))
    finder = RaisingFinder(name)
    sys.meta_path.insert(0, finder)
    undo.callback(sys.meta_path.remove, finder)
    clear_url_caches()


DEFECTS: list[Callable[[random.Random], Defect | None]] = [
    *(field, field, field, options, admin, receiver),
    *(file, file, template, url_module, url_module, loader),
]


# -- What has to be ----------------------------------------------------------------------------


def surveyed() -> Survey:
    project = Project(ROOT, {}, cached=False)
    project.cache = FIRST.cache  # what did not change is not read again
    return survey(project)


def told(found: Survey) -> set[str]:
    dangers = {f"{each.kind}: {each.symbol} -> {each.target_symbol}" for each in found.dangers}
    return {each.identity for each in found.couplings} | dangers


def checked(found: Survey, baseline: Path) -> tuple[int, str]:
    """The exit code of `--check`, and all that it prints."""
    out = StringIO()
    try:
        ratchet.run(
            KitCommand(stdout=out), FIRST, found, {**OPTIONS, "baseline": baseline, "check": True}
        )
    except CommandError as error:
        return error.returncode, f"{out.getvalue()}{error}"
    return 0, out.getvalue()


@contextmanager
def undoing() -> Iterator[Undo]:
    with ExitStack() as undo:
        yield undo


def faults(defect: Defect, sound: Survey, baseline: Path) -> Iterator[str]:
    with undoing() as undo:
        defect.plant(undo)
        damaged = surveyed()
        code, said = checked(damaged, baseline)
    with undoing() as undo:
        defect.without(undo)
        lacking = told(surveyed())
    here, before = told(damaged), told(sound)
    names = sorted({each.id for each in damaged.unread} - {each.id for each in sound.unread})
    if not any(each.startswith(defect.told) for each in names):
        yield f"is not told: {names}"
    if code == 0 or "No new coupling" in said or "not read: " not in said:
        yield f"--check: {code}: {said[-200:]}"
    if lacking - here:
        yield f"{len(lacking - here)} lost: {sorted(lacking - here)[:5]}"
    if here - lacking - before:
        yield f"{len(here - lacking - before)} false: {sorted(here - lacking - before)[:5]}"


def main(seed: int, count: int) -> None:
    chance = random.Random(seed)
    baseline = ROOT / f"baseline-{seed}.txt"
    surveyed()  # which loads what only pages need
    sound = surveyed()
    OPTIONS["allow_unread"] = [each.id for each in sound.unread]
    ratchet.run(
        KitCommand(stdout=StringIO()),
        FIRST,
        sound,
        {**OPTIONS, "baseline": baseline, "write": True},
    )
    assert checked(sound, baseline)[0] == 0
    planted: dict[str, int] = {}
    wrong = []
    for number in range(count):
        defect = None
        while defect is None:
            kind = chance.choice(DEFECTS)
            defect = kind(chance)
        planted[kind.__name__] = planted.get(kind.__name__, 0) + 1
        found = list(faults(defect, sound, baseline))
        wrong += [f"{number} {kind.__name__} {defect.what}: {each}" for each in found]
    assert told(surveyed()) == told(sound), "a defect was not undone"
    print(f"seed {seed}: {count} defects {planted} of {len(told(sound))}: {len(wrong)} faults")  # noqa: T201
    print(*wrong, sep="\n")  # noqa: T201
    sys.exit(bool(wrong))


if __name__ == "__main__":
    sys.modules["defects"] = sys.modules["__main__"]  # the loader is imported from there
    main(*map(int, sys.argv[2:4]))
