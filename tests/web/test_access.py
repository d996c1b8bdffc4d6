"""Who gets in, to what, and that a form must be ours."""

import pytest

from salus.web.accounts import ACCOUNTS, ROOMS
from salus.web.session import account_of, opened

ADDRESS = {
    "pharmacy": "/pharmacy",
    "reception": "/reception",
    "laboratory": "/laboratory",
    "procedures": "/procedures",
    "tasks": "/tasks",
    "cases": "/cases",
    "patients": "/patients",
    "models": "/models",
    "safety": "/safety",
    "audit": "/audit",
    "quizzes": "/quizzes",
    "notices": "/notices",
    "services": "/services",
    "calendar": "/calendar",
    "mine": "/mine",
    "clinic": "/clinic",
    "cases/gate": "/cases/gate",
    "billing": "/billing",
    "books": "/books",
}


@pytest.mark.parametrize("address", ["/patients", "/patients/li", "/resources/Patient/li", "/models", "/audit"])
def test_a_stranger_is_sent_to_sign_in_and_back_again(someone, address):
    page = someone().get(address)

    assert (303, f"/sign-in?next={address.replace('/', '%2F')}") == (page.status_code, page.headers["location"])


@pytest.mark.parametrize("account", ACCOUNTS)
@pytest.mark.parametrize("room", ROOMS)
def test_each_role_has_its_own_rooms_and_no_others(someone, account, room):
    page = someone(account).get(ADDRESS[room])

    assert (200 if ACCOUNTS[account].actor.role in ROOMS[room] else 403) == page.status_code
    assert page.status_code == 200 or "You may not open this" in page.text


def test_what_someone_opened_stands_in_the_audit_under_their_name(someone, eventually):
    someone("nurse").get("/patients/li")
    administrator = someone("administrator")

    def told() -> bool:  # a note of a read goes into the next commit, a moment later at most
        audit = administrator.get("/audit").text
        return "Practitioner/demo-nurse" in audit and "Patient/li" in audit and "Treatment" in audit

    assert eventually(told)


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
def test_a_form_without_our_token_changes_nothing(someone, token):
    visitor = someone()
    visitor.get("/sign-in")
    page = visitor.post("/sign-in", data={"account": "clinician", "form_token": token})

    assert 403 == page.status_code
    assert "salus_session" not in visitor.cookies


def test_a_form_sent_by_another_site_is_refused_even_with_the_token(someone):
    visitor = someone("clinician")
    visitor.headers["sec-fetch-site"] = "cross-site"

    assert 403 == visitor.send_form("/settings", "/settings", language="en", theme="dark").status_code


def test_a_token_of_one_browser_is_no_good_in_another(someone):
    thief, other = someone(), someone()
    thief.get("/sign-in")
    other.get("/sign-in")
    other.cookies.set("salus_form", "something else", domain="salus.example")

    stolen = thief.get("/sign-in").text.split('name="form_token" value="')[1][:64]

    assert 403 == other.post("/sign-in", data={"account": "nurse", "form_token": stolen}).status_code


def test_demo_accounts_are_shut_unless_the_house_is_a_demonstration(settings):
    cookie = opened(settings.secret, ACCOUNTS["clinician"])

    assert ACCOUNTS["clinician"] == account_of(settings.secret, cookie, demo=True)
    assert account_of(settings.secret, cookie, demo=False) is None
    assert account_of(b"another secret of 32 bytes or so", cookie, demo=True) is None
    assert account_of(settings.secret, "nonsense", demo=True) is None


def test_signing_out_ends_the_session(someone):
    visitor = someone("clinician")
    visitor.send_form("/settings", "/sign-out")

    assert 303 == visitor.get("/patients").status_code


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(someone):
    visitor = someone()
    answer = visitor.send_form("/sign-in", "/sign-in", account="clinician")

    for cookie in answer.headers.get_list("set-cookie"):
        assert "HttpOnly" in cookie and "samesite=lax" in cookie.lower(), cookie


def test_after_signing_in_one_goes_only_to_pages_of_the_house(someone):
    answer = someone().send_form("/sign-in", "/sign-in", account="clinician", next="//evil.example/")

    assert "/patients" == answer.headers["location"]


def test_a_form_too_long_is_refused(someone):
    visitor = someone("clinician")

    assert 507 == visitor.send_form("/settings", "/settings", language="x" * 300_000).status_code


def test_preferences_are_remembered_in_the_browser(someone):
    visitor = someone("clinician")
    answer = visitor.send_form("/settings", "/settings", language="zh", theme="dark")

    assert "/settings?saved" == answer.headers["location"]
    assert 'data-theme="dark"' in visitor.get("/settings?saved").text


def test_who_was_signed_out_is_told_that_what_they_sent_was_not_done(someone):
    stranger = someone()
    sent = stranger.post("/billing/charge", data={}, headers={"referer": "https://salus.example/billing?find=li"})
    page = stranger.get(sent.headers["location"]).text

    assert sent.headers["location"].startswith("/sign-in?next=%2Fbilling%3Ffind%3Dli")
    assert "was not done" in page and "was not done" not in stranger.get("/sign-in").text
