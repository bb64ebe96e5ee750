"""Schemas as flat lists of fields, and which types fit which."""

import msgspec
import pytest

from carveout.contracts import json_schema


class Part(msgspec.Struct):
    name: str
    parts: list["Part"]


class Box(msgspec.Struct):
    number: str | None
    weight: int
    parts: list[Part]
    labels: dict[str, bool]
    anything: object = None


def types(*each: str) -> frozenset[str]:
    return frozenset(each)


def test_fields_are_found_in_lists_and_mappings_and_unions():
    assert json_schema.fields_of(json_schema.of_type(Box)) == {
        "number": types("string", "null"),
        "weight": types("integer"),
        "parts": types("array"),
        "parts[]": types("object"),
        "parts[].name": types("string"),
        "parts[].parts": types("array"),
        "parts[].parts[]": types("object"),
        "labels": types("object"),
        "labels.*": types("boolean"),
        "anything": types("any"),
    }


def test_required_fields_are_those_that_whatever_they_are_in_must_have():
    assert json_schema.required_of(json_schema.of_type(Box)) == {
        "number",
        "weight",
        "parts",
        "parts[].name",
        "parts[].parts",
        "labels",
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("weight", {"integer"}),
        ("wide", None),
        ("parts[].name", {"string"}),
        ("parts[].colour", None),
        ("labels.red", {"boolean"}),
        ("anything.at[].all", {"any"}),
        ("weight.unit", None),
    ],
)
def test_a_path_is_found_if_it_may_be_there(path, expected):
    fields = json_schema.fields_of(json_schema.of_type(Box))
    assert json_schema.find(fields, path) == expected


@pytest.mark.parametrize(
    ("each", "wanted", "fit"),
    [
        ({"string"}, {"string"}, True),
        ({"string email"}, {"string"}, True),
        ({"string"}, {"string decimal"}, False),
        ({"integer"}, {"number"}, True),
        ({"number"}, {"integer"}, False),
        ({"string", "null"}, {"string"}, False),
        ({"string"}, {"string", "null"}, True),
        ({"any"}, {"string"}, False),
        ({"string"}, {"any"}, True),
    ],
)
def test_types_fit_if_each_of_them_is_expected(each, wanted, fit):
    assert json_schema.fits(frozenset(each), frozenset(wanted)) is fit


def test_told_types_are_read_back():
    for each in (types("string"), types("string date-time", "null"), types("any")):
        assert json_schema.parse_types(json_schema.format_types(each)) == each
