"""A site's own prices and rules: read whole or refused whole, kept beside its store."""

from importlib.resources import files
from pathlib import Path

import pytest

from salus.base.errors import Invalid
from salus.places.settlement import Rule
from salus.services.billing.local import Local, Taken, take


def text(kind: str, place: str) -> str:
    return (files(f"salus.places.{kind}") / f"{place}.toml").read_text("utf-8")


def told(local: Local, place: str) -> list[Rule]:
    return [rule for chapter in local.rules(place).chapters for rule in chapter.rules]


@pytest.mark.parametrize("kind", ["tariffs", "settlement"])
def test_a_sites_own_file_takes_the_place_of_the_example(tmp_path: Path, kind: str):
    local = Local(tmp_path)
    shipped = (local.tariff("us"), told(local, "us"))
    own = text(kind, "us").replace("price = 12000", "price = 13000").replace("copay = 4000", "copay = 5000")
    made = take(own, tmp_path / "records.db")

    assert (kind, "us") == (made.kind, made.place) and made.rows >= 1
    assert [kind == "tariffs", kind == "settlement"] == [
        one != other for one, other in zip((local.tariff("us"), told(local, "us")), shipped, strict=True)
    ]
    assert local.tariff("atlantis") is None and [] == told(local, "atlantis") and local.tariff("../x") is None


@pytest.mark.parametrize("kind", ["tariffs", "settlement"])
def test_a_file_with_a_fault_changes_nothing(tmp_path: Path, kind: str):
    good, store = text(kind, "cn"), tmp_path / "records.db"
    take(good, store)
    for bad in (good.replace("price = 5000", "price = -5000").replace("share = 9000", "share = 99999"), "x", ""):
        with pytest.raises(Invalid):
            take(bad, store)
    with pytest.raises(Invalid, match="one place"):
        take(good.replace('place = "cn"', 'place = "c n"'), store)

    assert good == (tmp_path / kind / "cn.toml").read_text("utf-8")
    assert Taken(kind, "cn", take(good).rows) == take(good)
