"""A learner through a case at the pages: step by step to marks, cards, progress; and a teacher who writes one."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from salus.assistants.cases.case import Case, Finding, Named
from salus.assistants.cases.casebook import library_of
from salus.assistants.cases.quizzes.script import encoded
from salus.assistants.cases.quizzes.shelf import shipped
from salus.records import Store

CASE = "thirst-and-vomiting"


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "records.db") as opened:
        yield opened


def begun(someone: object, case: str = CASE) -> str:
    return someone.send_form("/quizzes", f"/quizzes/cases/{case}").headers["location"]


def said(someone: object, address: str, then: str, *rows: tuple[str, str]) -> object:
    fields = {
        f"{part}-{at}": value
        for at, row in enumerate(rows, 1)
        for part, value in zip(("name", "sure"), row, strict=True)
    }
    return someone.send_form(address, address, then=then, **fields)


DKA, FLU = "Type 1 diabetes with ketoacidosis", "Infectious gastroenteritis"


def through(someone: object, *last: tuple[str, str]) -> str:
    """A whole sitting; `last` is the final list."""
    address = begun(someone)
    for then in ("on", "on", "glucose", "ct-abdomen"):
        assert 303 == said(someone, address, then, (FLU, "60"), ("Acute appendicitis", "20")).status_code
    assert 303 == said(someone, address, "finish", *last).status_code
    return address


@pytest.mark.parametrize(("language", "words"), [("en", "Presentation"), ("zh", "主诉")])
def test_a_case_is_opened_one_step_at_a_time(at, language, words):
    learner = at("clinician", language)
    address = begun(learner)
    page = learner.get(address).text
    assert words in page and "fluid" not in page and "27.8 mmol/L" not in page
    assert said(learner, address, "glucose", (DKA, "50")).status_code == 422
    assert said(learner, address, "on", ("e10.1", "50"), ("急性阑尾炎", "30")).status_code == 303
    page = learner.get(address).text
    assert ("近3周口渴" if language == "zh" else "lost 6 kg") in page


@pytest.mark.parametrize(
    "rows", [(), (("no such thing", "5"),), ((DKA, "80"), (FLU, "40")), ((DKA, "a lot"),), ((DKA, "20"), (DKA, "30"))]
)
def test_a_list_that_cannot_be_comes_back_as_it_was_written_with_the_reason(at, rows):
    learner = at("clinician")
    address = begun(learner)
    page = said(learner, address, "on", *rows)
    assert page.status_code == 422 and 'role="alert"' in page.text and all(name in page.text for name, _ in rows)
    assert "lost 6 kg" not in learner.get(address).text


def test_the_marks_name_each_part_and_the_path_stands_beside_the_learners_list(at):
    learner = at("clinician")
    page = learner.get(through(learner, (DKA, "90"))).text
    assert "Right: first on your list" in page and "Brier score" in page
    assert "Ketones in blood" in page and "Venous blood gas" in page and "The expert would not have needed this" in page
    assert "CT of the abdomen" in page and "These will be asked again" in page
    assert "the belly was guarded" not in page, "the answer to a card is not told before it is asked"


def test_what_was_missed_is_asked_again_and_later_after_it_was_known(at):
    learner = at("nurse")
    through(learner, (FLU, "90"))
    page = learner.get("/quizzes/review").text
    assert "3 due of 3 cards" in page
    case, concept = re.findall(r'name="(?:case|concept)" value="([^"]+)"', page)
    answered = learner.send_form("/quizzes/review", "/quizzes/review", case=case, concept=concept, rating="easy")
    assert answered.status_code == 303 and "2 due of 3 cards" in learner.get("/quizzes/review").text
    assert (
        422
        == learner.send_form("/quizzes/review", "/quizzes/review", case=case, concept=concept, rating="x").status_code
    )
    assert (
        404
        == learner.send_form("/quizzes/review", "/quizzes/review", case=case, concept="x", rating="easy").status_code
    )


def test_nobody_sees_anothers_sitting_but_who_teaches_sees_the_group(at):
    learner = at("clinician")
    address = through(learner, (DKA, "70"))
    assert at("nurse").get(address).status_code == 403 and at("nurse").get("/quizzes/group").status_code == 403
    assert "Practitioner/demo-clinician" in at("administrator").get("/quizzes/group").text


def test_progress_shows_whether_confidence_is_earned_and_gives_the_log(at):
    learner = at("clinician")
    assert "No case finished yet" in learner.get("/quizzes/progress").text
    through(learner, (DKA, "70"))
    page = learner.get("/quizzes/progress").text
    assert "Is your confidence earned?" in page and "after 5 new cases" in page
    (told,) = learner.get("/quizzes/log.json").json()
    assert told["result"]["success"] is True and told["verb"]["id"].endswith("completed")
    assert told["actor"]["account"]["name"] == "Practitioner/demo-clinician"


def test_a_case_that_was_finished_is_not_changed_by_going_back(at):
    learner = at("clinician")
    address = through(learner, (DKA, "70"))
    before = learner.get(address).text
    said(learner, "/quizzes", "on")
    learner.send_form("/quizzes", address, then="finish", **{"name-1": FLU, "sure-1": "10"})
    assert re.sub('form_token" value="[^"]+', "", before) == re.sub(
        'form_token" value="[^"]+', "", learner.get(address).text
    )


def test_a_teacher_writes_a_case_is_told_what_is_wrong_and_may_take_it_back(at):
    teacher: Callable[..., object] = at("clinician")
    text = (
        encoded(shipped()[CASE])
        .replace("id: thirst-and-vomiting", "id: my-own", 1)
        .replace("Thirst and vomiting", "My own case")
    )
    broken = teacher.send_form(
        "/quizzes/write", "/quizzes/write", text=text.replace("diagnosis: E10.1", "diagnosis: Z99.9")
    )
    assert broken.status_code == 422 and "Z99.9" in broken.text and "My own case" in broken.text
    assert "My own case" not in teacher.get("/quizzes").text
    kept = teacher.send_form("/quizzes/write", "/quizzes/write", text=text)
    assert kept.status_code == 303 and "Published: My own case" in teacher.get(kept.headers["location"]).text
    teacher.send_form("/quizzes", "/quizzes/cases/my-own/withdraw")
    assert "My own case" not in teacher.get("/quizzes").text
    assert at("nurse").get("/quizzes/write").status_code == 403


def test_what_was_done_stands_in_the_audit_for_the_purpose_of_training(at):
    begun(at("clinician"))
    assert "Training" in at("administrator").get("/audit").text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_case_of_the_library_begins_a_teaching_case_and_the_check_names_what_is_left_to_say(at, ward, language):
    case = Case(
        "PMID:1",
        (Finding("HP:0001250"), Finding("HP:0001945", "absent"), Finding(text="odd gait", status="unsure")),
        text="He fell twice.",
        diagnoses=(Named("ICD10//G40.9"),),
        age_years=42.0,
        sex="male",
        source="published",
        reference="PMID:1",
    )
    library_of(ward.path).add([case])
    page = at("clinician", language).get("/quizzes/write?from=PMID:1")
    assert page.status_code == 200
    for words in ("He fell twice.", "+ Seizure; - Fever; ? odd gait", "男，约42岁", "from-pmid-1", "G40.9"):
        assert words in page.text
    assert 'role="alert"' in page.text and ("title.en" in page.text or "title" in page.text)
    assert at("clinician").get("/quizzes/write?from=nobody").status_code == 404
