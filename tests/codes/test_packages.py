"""FHIR packages: taken, kept, listed, forgotten. https://hl7.org/fhir/R4/packages.html"""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from salus.base.errors import Invalid, Malformed, Missing, SalusError, TooLarge
from salus.cli.codes import codes as commands
from salus.codes.terminology import Site, Terminology, expand, packages
from salus.codes.terminology.packages import take
from salus.codes.terminology.site import FOLDER

Json = dict[str, Any]
ABOUT = {"name": "our.wards", "version": "1.0.0", "dependencies": {"hl7.fhir.r4.core": "4.0.1", "other.one": "2.1"}}
SYSTEM = {"resourceType": "CodeSystem", "url": "urn:wards", "content": "complete",
          "concept": [{"code": "a", "display": "Ward A"}]}  # fmt: skip
VALUES = {"resourceType": "ValueSet", "url": "urn:all-wards", "compose": {"include": [{"system": "urn:wards"}]}}
PROFILE = {"resourceType": "StructureDefinition", "url": "urn:ward-patient", "type": "Patient", "kind": "resource",
           "derivation": "constraint", "description": "long words", "snapshot": {"element": [
               {"id": "Patient", "path": "Patient", "definition": "longer words", "min": 0}]}}  # fmt: skip
FILES = {"package.json": ABOUT, "CodeSystem-wards.json": SYSTEM, "ValueSet-all.json": VALUES, "p.json": PROFILE}


def packed(folder: Path, files: dict[str, Any], name: str = "wards.tgz", inside: str = "package/") -> Path:
    path = folder / name
    with tarfile.open(path, "w:gz") as tar:
        for file, content in files.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            member = tarfile.TarInfo(inside + file)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def test_a_package_gives_its_terminology_and_its_profiles(tmp_path: Path) -> None:
    site = Site(tmp_path / "site")
    site.keep_package(take(packed(tmp_path, FILES)).package)
    terms = Terminology([site])

    assert ["a"] == [system.codes[row] for system, row in expand(terms, terms.value_set("urn:all-wards")).concepts]
    assert ["urn:ward-patient"] == [one["url"] for one in site.structures("urn:ward-patient")]
    assert [{"id": "Patient", "path": "Patient", "min": 0}] == site.structures("urn:ward-patient")[0]["snapshot"][
        "element"
    ]
    assert [] == site.structures("urn:nothing")


def test_a_package_loaded_again_replaces_its_earlier_version_at_once(tmp_path: Path) -> None:
    site = Site(tmp_path / "site")
    site.keep_package(take(packed(tmp_path, FILES)).package)
    assert ["1.0.0"] == [package.version for package in site.packages()]

    newer = {**FILES, "package.json": ABOUT | {"version": "2.0.0"}, "ValueSet-all.json": VALUES | {"url": "urn:b"}}
    Site(tmp_path / "site").keep_package(take(packed(tmp_path, newer)).package)

    assert ["2.0.0"] == [package.version for package in site.packages()]
    assert ([], 1) == (site.value_sets("urn:all-wards"), len(site.value_sets("urn:b")))
    assert (True, False) == (site.remove_package("our.wards"), site.remove_package("our.wards"))
    assert [] == site.packages()


def test_what_cannot_be_taken_is_named_and_the_rest_is_taken(tmp_path: Path) -> None:
    twice = SYSTEM | {"url": "urn:twice", "concept": [{"code": "a"}, {"code": "a"}]}
    files = {**FILES, "twice.json": twice, "broken.json": b'{"resourceType": "ValueSet"', "odd.json": b"[1]",
             "nameless.json": {"resourceType": "ValueSet"}, "Patient-1.json": {"resourceType": "Patient"},
             "base.json": PROFILE | {"derivation": "specialization"}}  # fmt: skip
    package, bad = take(packed(tmp_path, files))

    assert ["twice.json", "broken.json", "odd.json", "nameless.json"] == [name for name, _ in bad]
    assert [1, 1, 1] == [len(package.kept[kind]) for kind in ("CodeSystem", "ValueSet", "StructureDefinition")]


NONE: list[tuple[dict[str, Any], str, type[SalusError], str]] = [
    ({"a.json": SYSTEM}, "package/", Malformed, "no FHIR package"),
    ({"package.json": ABOUT}, "package/", Malformed, "no FHIR package"),
    (FILES, "package/other/", Malformed, "no FHIR package"),
    (FILES, "../package/", Malformed, "no FHIR package"),
]


@pytest.mark.parametrize(("files", "inside", "kind", "words"), NONE, ids=range(len(NONE)))
def test_what_is_no_package_is_refused(
    tmp_path: Path, files: dict[str, Any], inside: str, kind: type[SalusError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        take(packed(tmp_path, files, inside=inside))


def test_a_file_that_is_no_archive_or_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.tgz"
    broken.write_bytes(packed(tmp_path, FILES).read_bytes()[:-40])
    with pytest.raises(Malformed, match="fetch it again"):
        take(broken)
    broken.write_bytes(b"text")
    with pytest.raises(Malformed, match="fetch it again"):
        take(broken)
    with pytest.raises(Missing):
        take(tmp_path / "nowhere.tgz")
    monkeypatch.setattr(packages, "MOST_BYTES", 100)
    with pytest.raises(TooLarge):
        take(packed(tmp_path, FILES))


def test_a_package_cannot_be_kept_elsewhere(tmp_path: Path) -> None:
    package, _ = take(packed(tmp_path, {**FILES, "package.json": ABOUT | {"name": "../../evil"}}))

    with pytest.raises(Invalid, match="no name of a package"):
        Site(tmp_path / "site").keep_package(package)


def test_a_kept_package_that_is_broken_is_named(tmp_path: Path) -> None:
    site = Site(tmp_path / "site")
    site.keep_package(take(packed(tmp_path, FILES)).package)
    (file,) = (tmp_path / "site").rglob("*.zst")
    file.write_bytes(b"x")

    with pytest.raises(Invalid, match="load that package again"):
        site.packages()


def test_the_command_loads_lists_and_forgets_a_package(tmp_path: Path) -> None:
    store = ["--store", str(tmp_path / "s.db"), "--speak", "en"]
    environment = {"SALUS_FOLDER": str(tmp_path / "var")}
    file = packed(tmp_path, {**FILES, "broken.json": b"{"})

    def run(*words: str) -> Any:
        return CliRunner().invoke(commands, [*words, *store], env=environment)

    loaded, listed = run("load", str(file)), run("list")

    assert (3, "our.wards 1.0.0: 1 profiles") == (loaded.exit_code, loaded.stdout[:27])
    assert "other.one 2.1" in loaded.stderr
    assert "hl7.fhir.r4.core" not in loaded.stderr
    assert "broken.json was not taken" in loaded.stderr
    assert "our.wards" in listed.stdout
    assert 1 == len(Site(tmp_path / FOLDER).packages())
    assert 0 == run("remove", "our.wards").exit_code
    assert [] == Site(tmp_path / FOLDER).packages()
