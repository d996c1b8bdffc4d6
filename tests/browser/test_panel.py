"""The assistant's panel over plain HTTP, with a model really learned: no browser needed."""

import re
from collections.abc import Callable, Iterator

import httpx
import pytest

from salus.assistants.bedside import Bedside
from salus.privacy import SYSTEM, Purpose
from salus.web.accounts import ACCOUNTS
from salus.web.session import opened

Visitor = Callable[..., httpx.Client]


@pytest.fixture
def visitor(house, installed) -> Iterator[Visitor]:
    """`visitor("nurse")` speaks HTTP as someone signed in."""
    clients: list[httpx.Client] = []

    def arrive(account: str, language: str = "en") -> httpx.Client:
        cookies = {"salus_session": opened(installed[1].secret, ACCOUNTS[account]), "salus_language": language}
        clients.append(httpx.Client(base_url=house, cookies=cookies, trust_env=False, timeout=60))
        return clients[-1]

    yield arrive
    for client in clients:
        client.close()


@pytest.fixture
def panel(foretold) -> str:
    return f"/patients/{foretold}/suggestions"


def answered(client: httpx.Client, panel: str, action: str = "answer", **form: str) -> httpx.Response:
    """Send an answer to the first suggestion as its form does."""
    page = client.get(panel).text
    suggestion = re.search(r'id="s-([\w-]+)"', page)[1]
    token = re.search(r'hx-headers=\'{"X-Form-Token": "(\w+)"}\'', page)[1]
    headers = {"X-Form-Token": token, "HX-Request": "true"}
    return client.post(f"{panel}/{suggestion}/{action}", data=form, headers=headers)


def test_a_suggestion_says_how_sure_why_what_is_missing_and_which_model(visitor, panel):
    page = visitor("clinician").get(panel).text

    for said in ("interval", "Why", "/resources/Observation/", "/models/diabetes/1", "AUROC", "Accept"):
        assert said in page


def test_a_suggestion_in_chinese_has_no_english_question(visitor, panel):
    page = visitor("clinician", "zh").get(panel).text

    assert "12个月内会不会查出2型糖尿病？" in page and "区间" in page
    assert "Will type 2 diabetes" not in page


def test_an_answer_is_stored_shown_counted_and_can_be_taken_back(visitor, panel, installed, foretold):
    doctor, records = visitor("clinician"), installed[0].open(SYSTEM, Purpose.OPERATIONS)
    refused = answered(doctor, panel, verdict="refused", reason="already-known", comment="seen <last week>")

    assert (200, True, True) == (
        refused.status_code,
        "Refused:" in refused.text,
        "seen &lt;last week&gt;" in refused.text,
    )
    assert 1 == len(records.search("ClinicalImpression", [("patient", foretold), ("status", "completed")]).versions)

    use = visitor("scientist").get("/models/diabetes/use").text

    assert "Already known or being treated" in use and "seen &lt;last week&gt;" in use
    assert "Is it still asked about people like those it learned from?" in use

    undone = answered(doctor, panel, "undo")

    assert (200, True) == (undone.status_code, "Accept" in undone.text)


@pytest.mark.parametrize(
    ("verdict", "said"), [("refused", "Say why it is refused"), ("changed", "Choose what it is instead")]
)
def test_half_an_answer_comes_back_with_what_is_missing(visitor, panel, verdict, said):
    answer = answered(visitor("clinician"), panel, verdict=verdict)

    assert (422, True) == (answer.status_code, said in answer.text)


def test_a_changed_suggestion_names_the_condition_that_it_was_changed_to(visitor, panel):
    doctor = visitor("clinician")
    answer = answered(doctor, panel, verdict="changed", to="http://snomed.info/sct|15777000")

    assert "Changed to</b> Prediabetes" in answer.text

    answered(doctor, panel, "undo")


def test_a_nurse_reads_suggestions_and_does_not_answer_them(visitor, panel):
    nurse = visitor("nurse")

    assert "A clinician can answer" in nurse.get(panel).text
    assert 403 == answered(nurse, panel, verdict="accepted").status_code


@pytest.mark.parametrize("account", ["scientist", "administrator"])
def test_who_does_not_care_for_patients_sees_no_suggestions(visitor, panel, account):
    assert 403 == visitor(account).get(panel).status_code


def test_where_the_model_cannot_tell_the_panel_says_so_and_why(visitor, installed):
    store, settings = installed
    bedside, records = Bedside(store, settings.registry), store.open(SYSTEM, Purpose.OPERATIONS)
    unknown = next(id for id in store.patients() for one in bedside.suggestions(records, id) if one.abstained)
    page = visitor("clinician").get(f"/patients/{unknown}/suggestions").text

    assert 'class="cannot"' in page and "Accept" not in page


def test_a_models_card_shows_its_figures_beside_simple_ones(visitor):
    page = visitor("scientist").get("/models/diabetes/1").text

    for said in ("AUROC", "the most frequent answer", "a simple score", "Calibration", "Model card"):
        assert said in page
    assert 404 == visitor("scientist").get("/models/diabetes/7").status_code


def test_a_demonstration_says_whom_to_look_at_first_and_why(visitor):
    doctor = visitor("clinician", "zh")

    assert "先看这几位" in doctor.get("/patients").text and "2型糖尿病高风险" in doctor.get("/patients").text
    assert "先看这几位" not in doctor.get("/patients?find=li").text
