"""The committed definitions and the generator that writes them."""

import os
import shutil
from pathlib import Path

import pytest

from salus.fhir import RESOURCE_TYPES
from salus.fhir.definitions import FILE, codes, definitions, elements, unpack
from salus.fhir.generate import write
from salus.fhir.path import steps_of
from salus.fhir.primitives import PRIMITIVES


def test_the_definitions_name_every_type_that_they_speak_of() -> None:
    known = set(definitions()["types"]) | set(PRIMITIVES)

    assert 146 == len(RESOURCE_TYPES)
    assert [] == [
        kind for name in definitions()["types"] for e in elements(name) for _, kind in e.fields if kind not in known
    ]


def test_required_bindings_are_expanded_where_their_codes_are_known() -> None:
    bound = {e.binding for name in definitions()["types"] for e in elements(name) if e.binding}

    assert ("male", "female", "other", "unknown") == codes("http://hl7.org/fhir/ValueSet/administrative-gender")
    assert {"mimetypes", "ucum-units", "currencies", "LL379-9"} == {s.rpartition("/")[2] for s in bound if not codes(s)}


def test_path_numbers_are_small_and_each_used_once() -> None:
    numbers = list(definitions()["paths"].values())

    assert list(range(1, len(numbers) + 1)) == sorted(numbers)


@pytest.mark.parametrize("text", ["Patient.name.first()", "Patient.name[x]", "a + b", "Patient.where(a > 1)"])
def test_a_path_outside_the_subset_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="outside the subset"):
        steps_of(text)


def test_the_generator_writes_the_same_bytes_again(tmp_path: Path) -> None:
    folder = Path(os.environ.get("SALUS_FHIR_PACKAGE", "absent"))
    if not folder.is_dir():
        pytest.skip("SALUS_FHIR_PACKAGE names no unpacked npm package hl7.fhir.r4.examples 4.0.1 (191 MB)")
    again = tmp_path / "again.zst"
    shutil.copy(FILE, again)

    assert FILE.read_bytes() == write(folder, again)
    assert definitions()["types"] == unpack(write(folder, tmp_path / "new.zst"))["types"]
