"""One request of one person: what a page needs to answer it, and the ways to answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from salus.assistants.bedside import Bedside
from salus.assistants.cases.gate import Gate
from salus.assistants.recommend.services import Recommending
from salus.assistants.treatment.options import Treatment
from salus.assistants.treatment.prescribing import Prescribing
from salus.base import clock, faults
from salus.base.settings import Settings
from salus.codes import unit_words
from salus.records import Records, Store
from salus.services.appointments.brochure import Brochure, Offered
from salus.services.appointments.links import Links
from salus.services.family.children import Child
from salus.ui import formats
from salus.ui.render import Templates
from salus.web.accounts import FOR_OTHERS, ROOMS, Account
from salus.web.session import THEME
from salus.web.synthetic import Synthetic
from salus.web.telling.person import Person, person
from salus.web.uploads import Upload

# packages whose words pages say, beside the house's own
SPOKEN: tuple[str, ...] = (
    "salus.privacy",
    "salus.web.clinic",
    "salus.web.mine",
    "salus.web.billing",
    "salus.web.calendars",
    "salus.web.laboratory",
    "salus.web.pharmacy",
    "salus.web.procedures",
    "salus.web.reception",
)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
OVER = 286  # the status at which a page asks no more: https://htmx.org/docs/#polling
TEMPLATES = Templates("salus.web", *SPOKEN)
TEMPLATES.environment.filters["unit_words"] = unit_words


@dataclass(frozen=True, slots=True)
class Desk:
    """What all visits share."""

    store: Store
    bedside: Bedside
    settings: Settings
    synthetic: Synthetic
    treatment: Treatment
    recommending: Recommending
    gate: Gate
    brochure: Brochure
    links: Links

    @property
    def prescribing(self) -> Prescribing:
        return self.treatment.prescribing


@dataclass(frozen=True, slots=True)
class Acting:
    """Whom somebody acts for, as the pages say it. `youth`: one who has a say of their own already."""

    person: Person
    youth: bool


@dataclass
class Visit:
    """`account` is None for someone who has not signed in; `token` goes into every form; `child` is whom the account
    acts for, as `services.family` found it today; None for themselves."""

    desk: Desk
    request: Request
    account: Account | None
    language: str
    token: str
    form: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Upload] = field(default_factory=dict)
    child: Child | None = None

    @cached_property
    def records(self) -> Records:
        """The store, opened as this person for their purpose. Raises Forbidden where `privacy` refuses."""
        return self.desk.store.open(self.who.actor, self.who.purpose)

    @property
    def who(self) -> Account:
        """The one signed in, as they act: for themselves, or for a child. The door lets nobody else through to a page
        that asks."""
        if self.account is None:
            raise LookupError("a page that is open to everyone asked who is there")
        return replace(self.account, actor=self.child.actor) if self.child else self.account

    @cached_property
    def brochure(self) -> Brochure:
        """What the house offers to who asks."""
        guardian = self.child.actor.guardian if self.child else None
        return Offered(self.desk.brochure, guardian) if guardian else self.desk.brochure

    @property
    def zone(self) -> ZoneInfo:
        """Whose clocks the house goes by."""
        return self.desk.settings.zone

    @property
    def today(self) -> date:
        """The day that the clocks of the house show."""
        return clock.today(self.zone)

    @property
    def path(self) -> Mapping[str, Any]:
        return self.request.path_params

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params

    @property
    def by_htmx(self) -> bool:
        """Whether only a part of the page is asked for. https://htmx.org/reference/#request_headers"""
        return self.request.headers.get("hx-request") == "true"

    def led(self, patient: str) -> str:
        """The id of the Patient that stands for this one: mostly itself."""
        with self.desk.store.readers.one() as reader:
            found = reader.person(patient) if len(patient) <= 64 else None
        return found[1] if found else patient

    def say(self, key: str, **slots: object) -> str:
        return TEMPLATES.say(key, self.language, **slots)

    def told(self, text: str) -> str:
        """What an error says, in the reader's language as far as it is known; instants by the house's clocks."""
        said = faults.told(text, self.language)
        return INSTANT.sub(lambda found: formats.time(found[0], self.language, self.zone), said)

    def page(self, template: str, status: int = 200, /, **context: Any) -> Response:
        """A page or, for a template without the layout, a part of one."""
        return HTMLResponse(TEMPLATES.render(template, self.language, self.zone, **self.frame(), **context), status)

    def frame(self) -> dict[str, Any]:
        """What the layout around every page shows."""
        here = self.request.url.path
        return {
            "account": self.account,
            "rooms": self.rooms(),
            "acting": self.acting(),
            "here": here,
            "again": quote(here + (f"?{self.request.url.query}" if self.request.url.query else ""), safe=""),
            "token": self.token,
            "theme": theme_of(self.request),
            "synthetic": self.desk.synthetic.seen(),
            "demo": self.desk.settings.demo,
            "today": self.today,
            "exactly": self.told,
        }

    def rooms(self) -> list[str]:
        """Which rooms somebody may go to; who acts for a child, only to those where they can."""
        mine = [room for room, roles in ROOMS.items() if self.account and self.account.actor.role in roles]
        return [room for room in mine if self.child is None or room in FOR_OTHERS]

    def acting(self) -> Acting | None:
        if self.child is None or self.child.actor.guardian is None:
            return None
        return Acting(person(self.child.patient, self.language, self.today), self.child.actor.guardian.youth)

    def go(self, address: str) -> Response:
        """Send the browser on, after a form has done its work."""
        return RedirectResponse(address, status_code=303)


def theme_of(request: Request) -> str:
    chosen = request.cookies.get(THEME, "")
    return chosen if chosen in ("light", "dark") else "auto"


def within(address: str | None) -> str:
    """The address when it leads to a page of this house, else the front page.

    >>> within("/patients?find=li"), within("//evil.example"), within("/\\\\evil"), within(None)
    ('/patients?find=li', '/', '/', '/')
    """
    safe = address and address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if safe and address and address.isprintable() else "/"
