"""The report on a model: every field filled from what was run, in both languages, the card as the schema wants it."""

import json
import re
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from salus.base.errors import Invalid, Unsupported
from salus.base.words import LANGUAGES, words_of
from salus.cli import main
from salus.learning.learn import learn_table
from salus.learning.step7_deploy import Registry
from salus.learning.step7_deploy.dossier import empty_fields, known_of, report_of, write_report
from salus.learning.step7_deploy.dossier.chai import check_card, children_of
from salus.learning.step7_deploy.dossier.fields import fields, items
from salus.learning.step7_deploy.dossier.filled import Dossier
from salus.learning.step7_deploy.dossier.told import PACKAGE
from salus.learning.task import ABOUT, Budget, read_about, task_of

KINDS = {"binary": ["yes", "no"], "multiclass": ["a", "b", "c"], "number": [str(i / 10) for i in range(60)]}


@pytest.fixture(scope="module")
def report(models: Registry) -> Dossier:
    return report_of(models, "ill-year", "1")


def said(report: Dossier, place: str, language: str = "en") -> str:
    return next(one.text(language) for one in report.fields if f"{one.frame}.{one.place}" == place)


def test_no_field_of_a_deployed_model_is_empty(report: Dossier) -> None:
    assert [] == empty_fields(report)


def test_the_forms_are_whole() -> None:
    assert {"tripod": 52, "hti": 31} == {k: v for k, v in Counter(f.frame for f in fields()).items() if k != "chai"}
    assert [str(i) for i in range(1, 28)] == list(items())


def test_the_run_fills_24_of_27_items_wholly_and_the_site_is_asked_for_the_rest(report: Dossier) -> None:
    open_items = {one.place for one in report.of("tripod") if one.source == "open"}

    assert (27, 24) == (report.tally.items, report.tally.filled)
    assert {"17", "18b", "18d", "18e", "19"} == open_items
    assert "site" == next(one.source for one in report.of("tripod") if one.place == "18a")


def test_what_is_said_is_what_was_run(report: Dossier, models: Registry) -> None:
    known = known_of(models, "ill-year", "1")
    found, facts = known.found, known.facts

    assert f"{facts.train.rows} rows of {facts.train.subjects} people" in said(report, "tripod.21")
    assert facts.train.rows == sum(facts.train.cases.values()) == found.training_rows
    assert f"AUROC {found.chosen['auroc'].value:.3f}" in said(report, "tripod.23a")
    assert "ithin 365 days" in said(report, "tripod.8a")
    assert "Aged 18 or more" in said(report, "tripod.6b")
    assert "VISIT//*" in said(report, "tripod.6b")
    assert "Events from 19" in said(report, "tripod.5b") and "2022-01" in said(report, "tripod.5b")
    assert facts.train.rows + facts.test.rows + sum(n for _, n in facts.left_out) == int(
        said(report, "tripod.20a").split(" ")[0]
    )


def test_what_the_site_states_stands_in_both_languages(report: Dossier) -> None:
    assert "Ward 7" in said(report, "hti.1.i") and "七病区" in said(report, "hti.1.i", "zh")
    assert ("The city", "The city") == (said(report, "tripod.18a"), said(report, "tripod.18a", "zh"))


def test_chinese_says_the_same_fields_in_chinese(report: Dossier) -> None:
    plain = [one.place for one in report.fields if not re.search("[一-鿿]", one.text("zh"))]

    assert {"18a", "1.ii", "ReleaseInfo/ReleaseDate", "ReleaseInfo/ReleaseVersion"} >= {
        place for place in plain if not place.endswith("FundingSource")
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_question_has_a_whole_report(kind: str, tmp_path: Path) -> None:
    answers = KINDS[kind]
    rows = [f"s{i},{i % 30},{'x' if i % 3 else 'y'},{answers[(i * 7 + i // 9) % len(answers)]}" for i in range(300)]
    (tmp_path / "t.csv").write_text("\n".join(["id,age,mark,out", *rows]), "utf-8")
    family = ["linear"] if kind == "number" else ["logistic"]
    learn_table(
        tmp_path / "t.csv", "out", tmp_path / "m", subject="id", name="t", families=family, budget=Budget(seconds=0)
    )

    begun = time.process_time()
    made = write_report(Registry(tmp_path / "m"), "t", "1", tmp_path / "report")
    assert 60 > time.process_time() - begun
    assert ([], 24) == (empty_fields(made), made.tally.filled)
    assert {"report.en.html", "report.zh.html", "report.json", "card.en.xml", "card.zh.xml"} == {
        file.name for file in (tmp_path / "report").iterdir()
    }
    for language in LANGUAGES:
        assert [] == check_card((tmp_path / "report" / f"card.{language}.xml").read_text("utf-8"))
        assert "Salus" in (tmp_path / "report" / f"report.{language}.html").read_text("utf-8")
    assert made == msgspec.json.decode((tmp_path / "report" / "report.json").read_bytes(), type=Dossier)


def test_the_card_has_a_field_for_every_element_of_the_schema() -> None:
    ours = {one.place for one in fields() if one.frame == "chai"}

    def leaves(element: str, path: str) -> set[str]:
        below = children_of(element)
        if not below or element == "Results":
            return {path}
        return {leaf for child, _, _ in below for leaf in leaves(child, f"{path}/{child}".removeprefix("/"))}

    assert leaves("AppliedModelCard", "") == ours


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda text: text.replace("ModelDeveloper>", "Developer>"), "0 of ModelDeveloper"),
        (lambda text: re.sub("<Summary>.*?</Summary>", "", text, flags=re.S), "0 of Summary"),
        (lambda text: re.sub("<ReleaseDate>.*?<", "<ReleaseDate> <", text, flags=re.S), "must hold text"),
        (lambda text: text.replace("v0.2/schema.xsd", "v9/schema.xsd"), "the root is"),
        (lambda text: text.replace("</Bibliography>", "</Bibliography><More/>"), "More is not expected"),
        (lambda text: text[:-40], "not XML"),
    ],
)
def test_a_card_of_another_structure_is_named(
    models: Registry, tmp_path: Path, change: Callable[[str], str], fault: str
) -> None:
    write_report(models, "ill-year", "1", tmp_path)

    assert fault in check_card(change((tmp_path / "card.en.xml").read_text("utf-8")))[0].text


def test_every_passage_is_used_and_every_use_has_its_words() -> None:
    words = tomllib.loads((Path(sys.modules[PACKAGE].__file__ or "").parent / "words.toml").read_text("utf-8"))
    passages = {key for key in words if key.partition(".")[0] in ("run", "rule", "site")}
    used = {key for field in fields() for key in field.says}

    assert passages == used
    assert {key.removeprefix("site.") for key in used if key.startswith("site.")} == set(ABOUT)
    assert all(field.title.keys() >= set(LANGUAGES) and all(field.title.values()) for field in fields())


def test_an_unknown_statement_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "about.toml").write_text('founding = "x"', "utf-8")

    with pytest.raises(Invalid, match=r"founding: a site can state developers"):
        read_about(tmp_path / "about.toml")
    with pytest.raises(Invalid, match="founding"):
        task_of({**PLAIN, "about": {"founding": "x"}})


PLAIN = {
    "name": "t",
    "kind": "binary",
    "question": {"en": "?", "zh": "？"},
    "when": {"events": ["V"]},
    "label": {"codes": ["I"], "within_days": 3},
}


def test_a_version_from_before_reports_says_what_to_do(own: Callable[[], Registry]) -> None:
    registry = own()
    place = registry.folder / "ill-year" / "1"
    (place / "facts.json").unlink()
    from salus.learning.step7_deploy.seal import SUMS, sums_of

    (place / SUMS).write_text(json.dumps(sums_of(place)))

    with pytest.raises(Unsupported, match="learn it again"):
        report_of(registry, "ill-year", "1")


def test_the_terminal_writes_the_report(
    places: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "about.toml").write_text('ethics = "Waived"\n[consent]\nen = "Told"\nzh = "已告知"\n', "utf-8")
    words = ["models", "report", "ill-year", "--about", "about.toml", "--registry", str(places / "models")]
    monkeypatch.setattr(sys, "argv", ["salus", *words, "--language", "zh"])
    with pytest.raises(SystemExit) as end:
        main()

    assert end.value.code in (0, None)
    assert "TRIPOD+AI：27 条中 24 条" in capsys.readouterr().out
    assert "已告知" in (tmp_path / "ill-year-1-report" / "report.zh.html").read_text("utf-8")
    assert words_of(PACKAGE)("page.from.site", "zh") in (tmp_path / "ill-year-1-report" / "report.zh.html").read_text()
