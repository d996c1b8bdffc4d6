"""Every page, in both languages, for those who may see it."""

import re
from datetime import UTC, datetime

import pytest

from salus.base import clock
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.ui.assets import fingerprint
from salus.ui.safety import HEADERS

PAGES = (
    ("", "/sign-in"),
    ("", "/settings"),
    ("clinician", "/settings"),
    ("clinician", "/patients"),
    ("clinician", "/patients?find=nobody-at-all"),
    ("clinician", "/patients/li"),
    ("clinician", "/patients/wang"),
    ("clinician", "/patients/li/results?abnormal=on"),
    ("clinician", "/patients/li/history"),
    ("clinician", "/patients/li/trends/8867-4"),
    ("clinician", "/patients/li/suggestions"),
    ("clinician", "/patients/li/orders"),
    ("nurse", "/patients/li/orders"),
    ("clinician", "/safety"),
    ("clinician", "/resources/Observation/a1c"),
    ("clinician", "/resources/Patient/li"),
    ("clinician", "/resources/Encounter/visit"),
    ("nurse", "/patients/li"),
    ("scientist", "/models"),
    ("patient", "/services"),
    ("administrator", "/audit"),
    ("administrator", "/notices"),
)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("account", "address"), PAGES)
def test_every_page_opens_in_both_languages_with_all_its_words(someone, account, address, language):
    page = someone(account, language).get(address)

    assert 200 == page.status_code, page.text
    assert f'<html lang="{"zh-Hans" if language == "zh" else "en"}"' in page.text
    assert 1 == len(re.findall(r"<h1[ >]", page.text))
    assert "None" not in re.sub(r"<[^>]*>", "", page.text)
    assert " style=" not in page.text and " onclick" not in page.text and "<script>" not in page.text


@pytest.mark.parametrize(("account", "address"), PAGES[:4])
def test_every_answer_carries_the_safety_headers(someone, account, address):
    page = someone(account).get(address)

    for name, value in HEADERS.items():
        assert value == page.headers[name]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert "no-store" == page.headers["cache-control"]


def test_every_page_says_that_the_people_are_made_up(someone):
    for account, address in PAGES:
        assert 'class="made-up"' in someone(account).get(address).text


def test_the_chart_shows_who_it_is_and_what_was_found(someone):
    page = someone("clinician").get("/patients/li").text

    for said in (
        "Li Meihua",
        "李梅华",
        "14 Mar 1952",
        "81004217",
        "Type 2 diabetes",
        "500 mg bid",
        "Penicillin &lt;V&gt;",
    ):
        assert said in page
    assert page.index("HbA1c") if "HbA1c" in page else True
    assert 'class="band"' in page


def test_an_abnormal_result_is_marked_by_a_letter_not_by_colour_alone(someone):
    page = someone("clinician").get("/patients/li/results?abnormal=on").text

    assert "8.5" in page and 'title="above the reference range">H<' in page
    assert "140" not in re.sub(r"<svg.*?</svg>|[0-9a-f]{32,}", "", page, flags=re.S)  # nor by chance in a token


@pytest.mark.parametrize("find", ["Li", "li mei", "李梅华", "李", "1952-03-14", "1952年3月14日", "81004217", "li"])
def test_a_patient_is_found_by_name_number_and_birth_date(someone, find):
    page = someone("clinician").get("/patients", params={"find": find}).text

    assert "81004217" in page


def test_a_search_that_finds_nobody_says_so_and_what_to_try(someone):
    page = someone("clinician").get("/patients?find=zzz").text

    assert "Nobody is found for “zzz”" in page and "matches from its beginning" in page


def test_an_unknown_address_is_told_in_the_readers_language(someone):
    page = someone("clinician", "zh").get("/no-such-page")

    assert (404, True) == (page.status_code, "此地址没有内容" in page.text)


@pytest.mark.parametrize("address", ["/patients/nobody", "/resources/Observation/none", "/resources/Nonsense/1"])
def test_what_is_not_there_is_a_friendly_page_not_a_trace(someone, address):
    page = someone("clinician").get(address)

    assert (404, True) == (page.status_code, "There is nothing at this address" in page.text)


def test_the_language_is_the_browsers_until_one_is_chosen(app, someone):
    stranger = someone(language="")
    stranger.cookies.clear()

    assert "登录" in stranger.get("/sign-in", headers={"accept-language": "zh-CN,zh;q=0.9"}).text

    chosen = stranger.get("/language/en?next=/sign-in", headers={"accept-language": "zh-CN"})

    assert (303, "/sign-in") == (chosen.status_code, chosen.headers["location"])
    assert "Sign in" in stranger.get("/sign-in", headers={"accept-language": "zh-CN"}).text


def test_the_only_inline_style_is_the_one_whose_hash_the_policy_names(someone):
    page = someone().get("/sign-in")
    (style,) = re.findall(r"<style>(.*?)</style>", page.text, flags=re.S)

    assert f"'sha256-{fingerprint(style)}'" in page.headers["content-security-policy"]


def test_scripts_are_compressed_and_kept_for_a_year(someone):
    visitor = someone()
    address = re.search(r'src="(/static/[^"]+htmx.js)"', visitor.get("/sign-in").text)[1]
    script = visitor.get(address, headers={"accept-encoding": "gzip"})

    assert (200, "gzip") == (script.status_code, script.headers["content-encoding"])
    assert "immutable" in script.headers["cache-control"]
    assert 404 == visitor.get("/static/x/../../secret").status_code


@pytest.mark.parametrize(
    "find", ["|", ",", "\\", "a,b", "$", "é", "_", "%", "' OR 1=1 --", "1|2", "0", "x" * 300, "<script>", "12-12-12"]
)
def test_whatever_is_typed_into_the_search_is_a_search(someone, find):
    page = someone("clinician").get("/patients", params={"find": find})

    assert 200 == page.status_code
    assert "<script>" not in page.text


def test_a_store_that_cannot_answer_is_told_politely(tmp_path, settings, house_of, browser_of):
    with Store(tmp_path / "db") as store:
        doctor = browser_of(house_of(store, settings)).speaking("zh").sign_in("clinician")
    page = doctor.get("/patients")

    assert (503, True) == (page.status_code, "系统繁忙" in page.text)
    assert HEADERS["Content-Security-Policy"] == page.headers["content-security-policy"]


def test_every_instant_is_told_by_the_clocks_of_the_house_and_every_age_by_its_day(someone, store):
    night = {"start": "2026-11-22T23:46:00Z", "end": "2026-11-23T00:10:00Z"}
    visit = store.open(SYSTEM, Purpose.OPERATIONS).read("Encounter", "visit").json()
    store.open(SYSTEM, Purpose.OPERATIONS).update("Encounter", "night", visit | {"id": "night", "period": night})

    with clock.stopped_at(datetime(2026, 12, 31, 17, tzinfo=UTC)):  # New Year's Day in Shanghai
        chart, told = (someone("clinician").get(page).text for page in ("/patients/li", "/resources/Encounter/night"))

    assert "23 Nov 2026, 07:46" in chart and "22 Nov 2026, 23:46" not in chart
    assert "23 Nov 2026, 07:46 – 23 Nov 2026, 08:10" in told
    assert "74 years" in chart
