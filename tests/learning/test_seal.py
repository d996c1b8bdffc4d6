"""Bundles are sealed with the installation's secret: a change is named, what is older is taken with a warning."""

import json
import logging
import random
import shutil
from pathlib import Path

import pytest

from salus.base.errors import Conflict, Invalid
from salus.learning.learn import learn_table
from salus.learning.step7_deploy import Registry
from salus.learning.step7_deploy.seal import SEAL, SUMS, sha256, sums_of
from salus.learning.task import Budget

SECRET, OTHER = b"s" * 32, b"o" * 32


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, chance = tmp_path_factory.mktemp("seal"), random.Random(1)
    lines = ["id,marker,ill"]
    for i in range(160):
        marker = chance.gauss(0, 1)
        lines.append(f"s{i},{marker:.3f},{'yes' if marker + chance.gauss(0, 0.5) > 0 else 'no'}")
    (folder / "t.csv").write_text("\n".join(lines), "utf-8")
    learn_table(
        folder / "t.csv", "ill", folder / "models", subject="id", name="ill", families=["logistic"],
        budget=Budget(seconds=0), secret=SECRET,
    )  # fmt: skip
    return folder / "models"


@pytest.fixture
def registry(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "models"))


def changed(registry: Path) -> Path:
    """The bundle with other weights, and checksums and `current` written anew to fit."""
    place = registry / "ill" / "1"
    weights = place / "model" / "linear.json"
    weights.write_text(weights.read_text().replace("0.", "1.", 1))
    (place / SUMS).write_text(json.dumps(sums_of(place)))
    current = json.loads((registry / "ill" / "current").read_text())
    (registry / "ill" / "current").write_text(json.dumps({**current, "checksums": sha256(place / SUMS)}))
    return place


def test_a_sealed_bundle_is_loaded_and_listed_as_such(registry: Path) -> None:
    kept = Registry(registry, SECRET)

    assert kept.promoted("ill") is not None
    assert [True] == [entry.sealed for entry in kept.list()]
    assert [None] == [entry.sealed for entry in Registry(registry).list()]


def test_a_file_that_was_changed_is_named_though_the_checksums_were_written_anew(registry: Path) -> None:
    changed(registry)

    assert Registry(registry).promoted("ill") is not None  # without the secret nothing is to be seen
    with pytest.raises(Conflict, match=r"model/linear\.json of ill 1 changed since it was made: do not use it"):
        Registry(registry, SECRET).promoted("ill")


def test_a_seal_that_was_made_without_the_secret_is_refused(registry: Path) -> None:
    place = changed(registry)
    Registry(registry, OTHER).sign("ill", "1")

    with pytest.raises(Conflict, match=r"seal\.json of ill 1 was not written by this installation"):
        Registry(registry, SECRET).load("ill", "1")
    assert (place / SEAL).is_file()


def test_a_seal_does_not_fit_another_name(registry: Path) -> None:
    shutil.copytree(registry / "ill", registry / "well")

    with pytest.raises(Conflict, match=r"seal\.json of well 1 was not written"):
        Registry(registry, SECRET).load("well", "1")


def test_a_bundle_from_before_sealing_is_taken_with_a_warning_until_it_is_sealed(
    registry: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (registry / "ill" / "1" / SEAL).unlink()
    with caplog.at_level(logging.WARNING):
        assert Registry(registry, SECRET).promoted("ill") is not None
    assert "ill 1 is not sealed: salus models sign ill 1" in caplog.text
    assert [False] == [entry.sealed for entry in Registry(registry, SECRET).list()]

    caplog.clear()
    Registry(registry, SECRET).sign("ill", "1")
    assert Registry(registry, SECRET).promoted("ill") is not None
    assert "" == caplog.text


def test_what_was_changed_is_never_sealed(registry: Path) -> None:
    weights = registry / "ill" / "1" / "model" / "linear.json"
    weights.write_text(weights.read_text().replace("0.", "1.", 1))

    with pytest.raises(Conflict, match=r"model/linear\.json"):
        Registry(registry, SECRET).sign("ill", "1")
    with pytest.raises(Invalid, match="knows its secret"):
        Registry(registry).sign("ill", "1")
