"""What every page goes through: who is there, may they come in, is the form ours, which language, what went wrong."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import parse_qsl, urlencode

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import URL
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from salus.assistants.bedside import Bedside
from salus.assistants.cases.gate import gate_of
from salus.assistants.recommend.services import SERVICES, Recommending
from salus.assistants.treatment.options import Treatment
from salus.assistants.treatment.prescribing import Prescribing
from salus.assistants.treatment.site import shelf_of
from salus.base.errors import Forbidden, Full, Malformed, Missing, SalusError
from salus.base.settings import Settings
from salus.privacy import Role
from salus.records import Store
from salus.services.appointments.brochure import Brochure
from salus.services.appointments.links import Links
from salus.services.family.children import Child, child_of
from salus.ui.assets import serve
from salus.ui.language import spoken
from salus.ui.safety import Safety
from salus.web import faults, live, session
from salus.web.accounts import ROOMS, Account
from salus.web.calendars.feed import address_of
from salus.web.directory import PAGES, Handler
from salus.web.reception import screen
from salus.web.signin import kept
from salus.web.synthetic import Synthetic
from salus.web.uploads import FILES, Upload, is_with_files, taken_apart
from salus.web.visit import TEMPLATES, Desk, Visit

Endpoint = Callable[[Request], Awaitable[Response]]
LONGEST_FORM = 256 * 1024  # bytes: a long note in Chinese, as forms write it


def pages(store: Store, bedside: Bedside, settings: Settings) -> list[BaseRoute]:
    """All pages as one mount with its own error pages, compression and safety headers. Put it after other routes."""
    TEMPLATES.warm()
    treatment = Treatment(Prescribing(store, shelf_of(settings.store)), settings.registry, settings.secret)
    gate = gate_of(store, settings.store, settings.secret, settings.language)
    recommending = Recommending(store, settings.folder / SERVICES)
    links = Links(store, address_of(settings))
    desk = Desk(store, bedside, settings, Synthetic(store), treatment, recommending, gate, Brochure(store), links)
    routes: list[BaseRoute] = [Route("/static/{mark}/{name:path}", serve)]
    routes += [Route(path, doorway(desk, handler, room), methods=[method]) for method, path, handler, room in PAGES]
    routes.append(Route("/patients/{id}/live", live.stream(desk, lambda request: entering(desk, request, "patients"))))
    routes.append(Route("/reception/screen/live", screen.stream(desk, lambda it: entering(desk, it, "reception"))))
    told = {HTTPException: told_apart(desk), SalusError: told_apart(desk), Exception: told_apart(desk)}
    return [Mount("/", Safety(GZipMiddleware(Starlette(routes=routes, exception_handlers=told), minimum_size=400)))]


def doorway(desk: Desk, handler: Handler, room: str | None) -> Endpoint:
    """A page's endpoint; `room` names who may come in (None: everyone). Handlers are plain functions on a thread."""

    async def enter(request: Request) -> Response:
        visit = visiting(desk, request)
        if room and visit.account is None:
            return to_sign_in(request)
        try:
            check_room(visit.account, room)
            if session.FOR in request.cookies and visit.account and visit.account.actor.role is Role.PATIENT:
                visit.child = await run_in_threadpool(acted_for, visit)
                if visit.child is None and room:
                    return no_more(request)
            if request.method == "POST":
                visit.form, visit.files = await form_of(request, visit)
            response = await run_in_threadpool(handler, visit)
        except SalusError as error:
            response = await run_in_threadpool(faults.page, visit, error)
        return bound(response, visit)

    return enter


def entering(desk: Desk, request: Request, room: str) -> Visit | None:
    """The visit of someone who may enter the room, else None."""
    visit = visiting(desk, request)
    return visit if visit.account and visit.account.actor.role in ROOMS[room] else None


def visiting(desk: Desk, request: Request) -> Visit:
    """Who asks and in which language; a browser without a form cookie is given one."""
    secret, cookies = desk.settings.secret, request.cookies
    account = session.account_of(secret, cookies.get(session.SESSION), desk.settings.demo)
    if account and account.actor.patient:  # whose record was joined into another is led to that one
        account = replace(account, actor=desk.store.led(account.actor))
    language = spoken(cookies.get(session.LANGUAGE), request.headers.get("accept-language"), desk.settings.language)
    request.state.form_cookie = cookies.get(session.FORM) or session.form_cookie()
    request.state.child = named(desk, request, account)
    token = session.form_token(secret, request.state.form_cookie, request.state.child)
    return Visit(desk, request, account, language, token)


def named(desk: Desk, request: Request, account: Account | None) -> str:
    """The id of the child that the browser says somebody acts for; "" for none."""
    cookie = request.cookies.get(session.FOR, "")
    return (session.child_of(desk.settings.secret, cookie, account) if cookie and account else None) or ""


def acted_for(visit: Visit) -> Child | None:
    """Whom somebody acts for, asked anew at each page; None where they may not, or not any more."""
    child, desk = visit.request.state.child, visit.desk
    if not child or visit.account is None:
        return None
    with suppress(Missing):
        return child_of(desk.store, visit.account.actor, child, visit.today, desk.settings.country)
    return None


def no_more(request: Request) -> Response:
    """To the choice of whom it is for, with nothing done: a page for a child never becomes one's own unsaid."""
    address = "/mine/for?over"
    if request.headers.get("hx-request") == "true":
        response = Response(status_code=403, headers={"HX-Redirect": address})
    else:
        response = RedirectResponse(address, status_code=303)
    response.delete_cookie(session.FOR, path="/", httponly=True)
    return response


def check_room(account: Account | None, room: str | None) -> None:
    """Raises Forbidden for a role without this page."""
    if room and account and account.actor.role not in ROOMS[room]:
        raise Forbidden(f"The role {account.actor.role} has no page under /{room}: sign in with one that has")


async def form_of(request: Request, visit: Visit) -> tuple[dict[str, str], dict[str, Upload]]:
    """The fields of a form, the last of each name, and its files. Raises Full, Malformed, or Forbidden for a form not
    ours."""
    kind = request.headers.get("content-type", "")
    with_files = is_with_files(kind) and request.url.path in FILES
    body = await body_of(request, FILES[request.url.path] if with_files else LONGEST_FORM)
    fields, files = taken_apart(kind, body) if with_files else (plain_fields(body), {})
    given = request.headers.get("x-form-token") or fields.pop("form_token", None)
    site, secret = request.headers.get("sec-fetch-site"), visit.desk.settings.secret
    session.check_form(secret, request.cookies, given, site, request.state.child)
    return {name: value.strip() for name, value in fields.items()}, files


async def body_of(request: Request, most: int) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise Full(f"The form has more than {most} bytes: shorten it")
    return bytes(body)


def plain_fields(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
    except UnicodeDecodeError as fault:
        raise Malformed("The form is not UTF-8: send it from the page") from fault


def bound(response: Response, visit: Visit) -> Response:
    """Give the browser its form cookie when it has none yet."""
    fresh = f"{session.FORM}=" in "".join(response.headers.getlist("set-cookie"))
    if session.FORM not in visit.request.cookies and not fresh:
        kept(visit, response, session.FORM, visit.request.state.form_cookie)
    return response


def to_sign_in(request: Request) -> Response:
    """Where to sign in, with the way back; htmx is told to load the whole page. What was sent is said to be lost."""
    by_htmx = request.headers.get("hx-request") == "true"
    sent = request.method != "GET"
    came = request.headers.get("hx-current-url") or request.headers.get("referer", "")
    back = URL(came) if sent or by_htmx else request.url
    asked = {"next": f"{back.path}?{back.query}".rstrip("?")} if back.path else {}
    asked |= {"lost": "1"} if sent else {}
    address = "/sign-in" + (f"?{urlencode(asked)}" if asked else "")
    if by_htmx:
        return Response(status_code=401, headers={"HX-Redirect": address})
    return RedirectResponse(address, status_code=303)


def told_apart(desk: Desk) -> Callable[[Request, Exception], Awaitable[Response]]:
    """The friendly page for what no handler caught: an unknown address, a wrong method, a fault of ours."""

    async def tell(request: Request, error: Exception) -> Response:
        visit = visiting(desk, request)
        status = error.status_code if isinstance(error, HTTPException) else getattr(error, "status", 500)
        return await run_in_threadpool(faults.plain, visit, HTTPStatus(status))

    return tell
