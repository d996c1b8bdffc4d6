"""What leaves the house: the second payload of a notice, to the address that its person gave, by apprise.

A notice is claimed before it is sent and marked after, so that two processes never send the same at once; where one
dies in between it is sent again, after a while. What fails is tried a few times, later each time, and then given up: it
stands on the person's page all the same. https://github.com/caronc/apprise
"""

import logging
import re
import warnings
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from salus.assistants.answers import every
from salus.base import clock
from salus.places.minors import law
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store, drafts
from salus.records.desk import Desk
from salus.records.writer import Request
from salus.services.acting import standing
from salus.services.looking import looked_up
from salus.services.reminders import notices
from salus.services.reminders.choice import refused_by
from salus.services.reminders.guardians import others
from salus.services.reminders.site import SLOT, Channel, Site, site_of
from salus.services.rounds import House

Resource = dict[str, Any]
log = logging.getLogger(__name__)
WAITS = "preparation,in-progress"
AGAIN = tuple(timedelta(minutes=one) for one in (2, 15, 120, 720))  # after the first, second, ... time
MOST = len(AGAIN) + 1  # times that it is tried
A_ROUND = 50  # notices that are sent before the house turns to something else
ADDRESS = {
    "email": re.compile(r"[^@\s<>,;:\"]{1,64}@[A-Za-z0-9.-]{1,253}"),
    "sms": re.compile(r"\+?[0-9 ()-]{5,20}"),
    "phone": re.compile(r"\+?[0-9 ()-]{5,20}"),
}
ANY = re.compile(r"\S{1,500}")


def opening(contact: str, at: datetime, until: datetime | None) -> Resource:
    """The extension of a notice that is to be sent."""
    return kept(contact, 0, at, until)


def kept(contact: str, tries: int, at: datetime, until: datetime | None) -> Resource:
    parts: list[Resource] = [
        {"url": "contact", "valueCode": contact},
        {"url": "tries", "valueInteger": tries},
        {"url": "next", "valueInstant": clock.instant(at)},
    ]
    if until:
        parts.append({"url": "until", "valueInstant": clock.instant(until)})
    return {"url": notices.SENDING, "extension": parts}


def state(told: Resource) -> dict[str, Any]:
    """contact, tries, next, until of a notice that is to be sent."""
    found: list[Resource] = next(
        (one["extension"] for one in told.get("extension", []) if one["url"] == notices.SENDING), []
    )
    said = {one["url"]: next(value for key, value in one.items() if key != "url") for one in found}
    moments = {name: datetime.fromisoformat(said[name]) for name in ("next", "until") if name in said}
    return {"until": None, **said, **moments}


def channel_for(site: Site, patient: Resource) -> Channel | None:
    """The first way to reach a person that the site has and they gave."""
    return next((one for one in site.channels if address(patient, one.contact)), None)


def address(patient: Resource, contact: str) -> str:
    """The address of such a contact, the preferred first; nothing where there is none that could be one."""
    given = [one for one in patient.get("telecom", []) if one.get("system") == contact and one.get("use") != "old"]
    now = clock.instant(clock.now())
    live = [one for one in given if one.get("period", {}).get("end", "9") >= now[: len("2026-11-23")]]
    form = ADDRESS.get(contact, ANY)
    ranked = sorted(live, key=lambda one: one.get("rank", 99))
    return next((one["value"] for one in ranked if form.fullmatch(one.get("value", ""))), "")


def send_due(house: House) -> int:
    """Send what is due; how many left the house."""
    site = site_of(house.settings)
    if not site.channels:
        return 0
    records = house.store.open(SYSTEM, Purpose.OPERATIONS)
    asked = [("status", WAITS), ("category", f"{notices.CODES}|"), ("_sort", "sent"), ("_count", "200")]
    due = [one for one in every(records, notices.TYPE, asked) if state(one)["next"] <= clock.now()]
    return sum(send(house, site, one) for one in due[:A_ROUND])


def send(house: House, site: Site, told: Resource) -> bool:
    """Claim a notice, send it, and say what became of it."""
    claimed = claim(house.store, told["id"])
    if claimed is None:
        return False
    records = house.store.open(SYSTEM, Purpose.OPERATIONS)
    person = looked_up(records, claimed["recipient"][0]["reference"])
    found, said = channel_for(site, person), state(claimed)
    if said["until"] and said["until"] <= clock.now():
        return finish(house.store, claimed, "too late")
    if found is None:
        return finish(house.store, claimed, "no address")
    if not is_wanted(records, claimed, person, house.settings.country):
        return finish(house.store, claimed, "not wanted")
    if post(house, found, address(person, found.contact), claimed):
        return finish(house.store, claimed, "")
    if said["tries"] >= MOST:
        finish(house.store, claimed, "not delivered")
    return False


def is_wanted(records: Records, told: Resource, person: Resource, country: str) -> bool:
    """Whether its patient still wants it, and whoever else it is for may still be told: a relation may have ended, or
    a consent, since it was written."""
    subject = told["subject"]["reference"]
    if notices.notice_of(told).kind in refused_by(records, subject):
        return False
    if person["resourceType"] == "Patient":
        return True
    about = looked_up(records, told["about"][0]["reference"])
    allowed = others(records, looked_up(records, subject), about, law(country)).people if about else ()
    return any(one["id"] == person["id"] for one in allowed)


def post(house: House, channel: Channel, to: str, told: Resource) -> bool:
    """Hand a notice to the service that the site named; False where it was not taken."""
    with warnings.catch_warnings(action="ignore"):  # its many services are read in, with what they depend on
        import apprise  # not before something is to be sent: most houses send nothing

        asset = apprise.AppriseAsset(app_id="Salus", app_desc="Salus", app_url=house.settings.address)
        asset.async_mode = False
        sender = apprise.Apprise(asset=asset)
        known = sender.add(channel.url.replace(SLOT, quote(to, safe="")))
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it would log what it sends, and to whom
    if not known:
        log.error("notices: the url for %s is none that apprise knows", channel.contact)
        return False
    body = told["payload"][1]["contentString"]
    return bool(sender.notify(title=told["topic"]["text"], body=body, body_format=apprise.NotifyFormat.TEXT))


# --- in the transaction ---


def claim(store: Store, id: str) -> Resource | None:
    """Say that a notice is being sent; None where another process does, or has."""

    def work(desk: Desk) -> Resource | None:
        told = standing(desk, f"{notices.TYPE}/{id}")
        if told is None or told["status"] not in WAITS.split(",") or state(told)["next"] > desk.at:
            return None
        said = state(told)
        tries = said["tries"] + 1
        again = desk.at + AGAIN[min(tries, len(AGAIN)) - 1]
        others = [one for one in told["extension"] if one["url"] != notices.SENDING]
        mark = kept(said["contact"], tries, again, said["until"])
        made = told | {"status": "in-progress", "extension": [*others, mark]}
        saved: Resource = desk.update(drafts.addressed(made, notices.TYPE, id)).json()
        return saved

    return store.writer.submit(Request(work, SYSTEM, Purpose.OPERATIONS, "send", f"{notices.TYPE}/{id}")).result()


def finish(store: Store, told: Resource, fault: str) -> bool:
    """Say what became of a notice: sent, or given up and why. Whether it was sent."""
    id, contact = told["id"], state(told)["contact"]

    def work(desk: Desk) -> None:
        found = standing(desk, f"{notices.TYPE}/{id}")
        if found is None:
            return
        others = [one for one in found["extension"] if one["url"] != notices.SENDING]
        made = {key: value for key, value in found.items() if key != "extension"}
        made |= {"extension": others} if others else {}
        made |= {"status": "stopped", "statusReason": {"text": fault}} if fault else sent(contact)
        desk.update(drafts.addressed(made, notices.TYPE, id))

    store.writer.submit(Request(work, SYSTEM, Purpose.OPERATIONS, "send", f"{notices.TYPE}/{id}")).result()
    return not fault


def sent(contact: str) -> Resource:
    return {"status": "completed", "medium": [{"coding": [{"system": MEDIUM, "code": contact}]}]}


MEDIUM = "http://hl7.org/fhir/contact-point-system"
