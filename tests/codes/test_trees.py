"""Groups of codes: held against the tabular list of ICD-10-CM, and their two directions against each other."""

import gzip
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from salus.base.errors import Unsupported
from salus.codes.tables import CONDITIONS, MEDICINES
from salus.codes.trees import _ranges, _trees, ancestors, beginnings, group_name, tree_systems

TABULAR = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "icd10cm" / "icd10cm_tabular_2021.xml.gz"


def wide(span: str) -> bool:
    return "-" in span


def test_every_category_of_the_tabular_list_stands_in_its_chapter_and_sections() -> None:
    if not TABULAR.is_file():
        pytest.skip("shared/data/icd10cm is not here")
    wrong, seen = [], 0
    for chapter in ElementTree.fromstring(gzip.decompress(TABULAR.read_bytes())).findall("chapter"):
        title = re.search(r"\(([^)]*)\)$", chapter.findtext("desc") or "")
        assert title
        for section in chapter.findall("section"):
            for category in section.findall("diag"):
                code, seen = category.findtext("name") or "", seen + 1
                own = {re.sub(r"O9A$", "O99", one) for one in (title[1], section.get("id") or "") if wide(one)}
                if not own <= set(ancestors("ICD10CM", code)):
                    wrong.append((code, own, ancestors("ICD10CM", code)))

    assert (1900, []) == (min(seen, 1900), wrong)


@pytest.mark.parametrize("system", ["ICD10", "ICD10CM"])
def test_each_group_of_a_code_begins_as_the_code_does(system: str) -> None:
    codes = {row.more["icd10"] for row in CONDITIONS.values()} | {"C7A.01", "Z3A.2", "D3A.0", "U07.1", "V43.5"}
    for code in codes:
        for group in ancestors(system, code):
            assert any(code.startswith(begin) for begin in beginnings(system, group)), (code, group)


def test_ranges_nest_so_that_a_code_has_one_way_up() -> None:
    for system in ("ICD10", "ICD10CM"):
        for ranges in _ranges(system).values():
            assert len(ranges) == len(set(ranges))
    assert ["C7A", "C00-C96", "C00-D49"] == ancestors("ICD10CM", "C7A.0")
    assert ["Z3A", "Z30-Z39", "Z00-Z99"] == ancestors("ICD10CM", "Z3A.4")


def test_medicines_climb_the_four_levels() -> None:
    for code in (one for one in MEDICINES if len(one) == 7):
        assert [code[:5], code[:4], code[:3], code[:1]] == ancestors("ATC", code)
        assert group_name("ATC", code[:1], "zh")


def test_every_range_has_a_name_in_both_languages_or_is_special_to_the_american_edition() -> None:
    for one in _trees()["ICD10"]["ranges"].split():
        assert group_name("ICD10", one, "en") and group_name("ICD10", one, "zh"), one


def test_a_system_without_a_rule_is_refused_by_name() -> None:
    assert ["ICD10", "ICD10CM", "ATC"] == tree_systems()
    with pytest.raises(Unsupported, match="SNOMED do not follow"):
        ancestors("SNOMED", "44054006")
