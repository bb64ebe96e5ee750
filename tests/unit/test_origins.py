"""Where things are declared, as file and line from the project's root on."""

import functools
import json
from pathlib import Path

import msgspec

from carveout.conf import code_locations

HERE = "tests/unit/test_origins.py"


class Above(msgspec.Struct):
    inherited: str


class Below(Above):
    own: str


def passing_on(function):
    @functools.wraps(function)
    def inner():
        return function()

    return inner


@passing_on
@functools.cache
def decorated():
    """Under two decorators."""


class Callable:
    def __call__(self):
        """What a handler may be, too."""


def line(text: str) -> str:
    lines = Path(__file__).read_text().splitlines()
    return f"{HERE}:{lines.index(text) + 1}"


def test_a_class_and_its_fields():
    assert code_locations.of_class(Below) == line("class Below(Above):")
    assert code_locations.of_field(Below, "own") == line("    own: str")
    assert code_locations.of_field(Below, "inherited") == line("    inherited: str")


def test_a_class_within_a_function():
    class Inner(msgspec.Struct):
        deep: str

    assert code_locations.of_class(Inner) == line("    class Inner(msgspec.Struct):")
    assert code_locations.of_field(Inner, "deep") == line("        deep: str")


def test_a_function_is_found_under_its_decorators():
    assert code_locations.of_function(decorated) == line("def decorated():")


def test_an_object_that_can_be_called():
    assert code_locations.of_function(Callable()) == line("class Callable:")


def test_what_lies_outside_of_the_project_is_named_by_its_module():
    assert code_locations.of_class(json.JSONDecoder).startswith("json/decoder.py:")


def test_what_a_program_made_is_named_by_its_module():
    made = msgspec.defstruct("Made", ["field"], module="desk.made")
    assert code_locations.of_class(made) == "desk/made.py:1"
    assert code_locations.of_field(made, "field") == "desk/made.py:1"


def test_without_base_dir_the_root_is_the_current_folder(settings, tmp_path, monkeypatch):
    del settings.BASE_DIR
    monkeypatch.chdir(tmp_path)
    assert code_locations.root() == tmp_path.resolve()
