"""A recording as a file, whatever the names in it are made of."""

import json
from pathlib import Path

import msgspec
from django.utils.safestring import mark_safe

from carveout.carving.recorder.recording import Recording, write
from tests.surveys import coupling


def test_the_name_of_a_template_may_be_a_safe_string(tmp_path: Path) -> None:
    told = coupling("sales", "goods")
    told = msgspec.structs.replace(told, source_symbol=mark_safe("sales/x.html"))
    write(Recording(couplings=[told]), tmp_path / "record.json")
    (written,) = json.loads((tmp_path / "record.json").read_text())["couplings"]
    assert written["source_symbol"] == "sales/x.html"
