"""Signing in and out, and what a reader prefers."""

from datetime import timedelta

from starlette.responses import RedirectResponse, Response

from salus.base.errors import Forbidden, Invalid
from salus.base.words import LANGUAGES
from salus.web import session
from salus.web.accounts import ACCOUNTS
from salus.web.visit import Visit, within

FOR_A_YEAR = int(timedelta(days=365).total_seconds())
THEMES = ("auto", "light", "dark")


def front(visit: Visit) -> Response:
    """The front page is where someone's work begins."""
    return visit.go(visit.account.home if visit.account else "/sign-in")


def sign_in_page(visit: Visit) -> Response:
    return visit.page(
        "signin.html", accounts=ACCOUNTS.values(), next=within(visit.query.get("next")), lost="lost" in visit.query
    )


def sign_in(visit: Visit) -> Response:
    """Open a session as a demonstration account. Raises Forbidden unless `demo` is on, Invalid for no such account."""
    if not visit.desk.settings.demo:
        raise Forbidden("The demonstration accounts are shut: start with SALUS_DEMO=on, never beside real patients")
    chosen = ACCOUNTS.get(visit.form.get("account", ""))
    if chosen is None:
        raise Invalid(f"There is no account {visit.form.get('account')!r}: choose one of those on the page")
    onward = within(visit.form.get("next"))
    response = visit.go(chosen.home if onward == "/" else onward)
    kept(visit, response, session.SESSION, session.opened(visit.desk.settings.secret, chosen))
    kept(visit, response, session.FORM, session.form_cookie())
    response.delete_cookie(session.FOR, path="/", httponly=True)
    return response


def sign_out(visit: Visit) -> Response:
    response = visit.go("/sign-in")
    response.delete_cookie(session.SESSION, path="/")
    response.delete_cookie(session.FORM, path="/")
    response.delete_cookie(session.FOR, path="/", httponly=True)
    return response


def speak(visit: Visit) -> Response:
    """Remember the language and go back to the page it was chosen on."""
    language = visit.path["language"]
    if language not in LANGUAGES:
        raise Invalid(f"The language {language!r} is not one of {', '.join(LANGUAGES)}")
    response = RedirectResponse(within(visit.query.get("next")), status_code=303)
    kept(visit, response, session.LANGUAGE, language, FOR_A_YEAR)
    return response


def preferences_page(visit: Visit) -> Response:
    return visit.page("preferences.html", themes=THEMES, saved="saved" in visit.query)


def preferences(visit: Visit) -> Response:
    """Remember language and appearance in this browser. Raises Invalid for one that we do not have."""
    language, theme = visit.form.get("language"), visit.form.get("theme")
    if language not in LANGUAGES or theme not in THEMES:
        raise Invalid(f"There is no language {language!r} with appearance {theme!r}: choose from those on the page")
    response = visit.go("/settings?saved")
    kept(visit, response, session.LANGUAGE, str(language), FOR_A_YEAR)
    kept(visit, response, session.THEME, str(theme), FOR_A_YEAR)
    return response


def kept(visit: Visit, response: Response, name: str, value: str, seconds: int | None = None) -> None:
    """A cookie that no script reads, for this site alone; over TLS it stays on TLS."""
    secure = visit.request.url.scheme == "https"
    response.set_cookie(name, value, max_age=seconds, httponly=True, samesite="lax", secure=secure, path="/")
