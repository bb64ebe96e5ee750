"""Spin finds nothing wrong with the model, and finds what is wrong with each mutation."""

import re

import pytest

from tests.model import claims
from tests.model.spin import EVERYTHING_ARRIVES, MODEL, missing_tools, properties

missing = missing_tools()
pytestmark = pytest.mark.skipif(
    bool(missing), reason=f"{', '.join(missing)} not found: apt-get install spin gcc"
)


@pytest.mark.parametrize("mutation", claims.MUTATIONS)
def test_a_model_without_one_precaution_is_refuted(mutation):
    assert claims.refute(mutation).verdict.violated == claims.MUTATIONS[mutation]


def test_the_model_loses_and_doubles_nothing():
    assert claims.safety(claims.SMALL).verdict.violated == ""


def test_everything_arrives_in_the_model():
    assert claims.liveness(claims.SMALL).verdict.violated == ""


def test_a_restored_log_loses_nothing_in_the_model():
    assert claims.safety(claims.SMALL_RESTORED).verdict.violated == ""
    assert claims.liveness(claims.SMALL_RESTORED).verdict.violated == ""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_restored_log_that_outgrows_the_stream_loses_nothing_in_the_model():
    assert claims.safety(claims.RESTORED).verdict.violated == ""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_large_model_loses_and_doubles_nothing():
    assert claims.safety(claims.LARGE).verdict.violated == ""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_everything_arrives_in_the_large_model():
    assert claims.liveness(claims.LARGE_WITH_ONE_RELAY).verdict.violated == ""


def test_each_property_is_broken_by_some_mutation():
    assert set(claims.MUTATIONS.values()) == {*properties(), EVERYTHING_ARRIVES}


def test_each_flag_of_the_model_is_a_mutation_or_a_bound():
    text = "".join(path.read_text() for path in MODEL.glob("*.pml"))
    flags = set(re.findall(r"^#(?:ifn?def |(?:el)?if defined\()(\w+)", text, re.MULTILINE))
    assert flags == {*claims.MUTATIONS, "EVENTS", "RELAYS", "CONSUMERS", "NEVER_HEALED", "RESTORE"}


def test_the_page_tells_of_each_mutation_and_property():
    page = (MODEL.parent / "model.md").read_text()
    told = set(re.findall(r"`(\w+)`", page))
    assert {*claims.MUTATIONS, *properties(), EVERYTHING_ARRIVES} <= told
