"""What the accounts of the books are called for a reader: by the bill, the card or the window that they are of."""

from collections.abc import Callable, Iterable
from typing import Any

from salus.services.appointments.brochure import alias
from salus.services.billing.names import NUMBER
from salus.web.telling.people import read
from salus.web.visit import Visit

SHORT = 8  # signs of an id that tell one account from another for a reader
PROVIDERS = frozenset({"cash", "simulated", "deposit"})
INCOMES = frozenset({"registration", "consultation", "stay", "laboratory", "medicine"})
Found = dict[str, dict[str, dict[str, Any]]]  # type -> id -> resource


def called(visit: Visit, accounts: Iterable[str]) -> dict[str, str]:
    """Account -> what it is called. One that nobody has words for, or whose bill is gone, keeps its own name."""
    parts = {name: name.split("/") for name in accounts}
    bills = [own[2] for own in parts.values() if own[0] == "Account" and len(own) == 3]
    houses = [own[own.index("Organization") + 1] for own in parts.values() if "Organization" in own[:-1]]
    wanted = {"Invoice": bills, "Organization": houses}
    found = {type: read(visit.records, type, ids) for type, ids in wanted.items()}
    return {name: TELLINGS.get(own[0], unknown)(visit, own, found) or name for name, own in parts.items()}


def unknown(visit: Visit, own: list[str], found: Found) -> str:
    return ""


def window(visit: Visit, own: list[str], found: Found) -> str:
    """Who takes the money: a provider's name, in words where it is one of the house's own."""
    return visit.say(f"payment.by.{own[1]}") if own[1] in PROVIDERS else own[1]


def income(visit: Visit, own: list[str], found: Found) -> str:
    return visit.say(f"books.income.{own[1]}") if own[1] in INCOMES else own[1]


def insurer(visit: Visit, own: list[str], found: Found) -> str:
    return alias(found["Organization"].get(own[1], {})).in_(visit.language)


def bill(visit: Visit, own: list[str], found: Found) -> str:
    numbers = found["Invoice"].get(own[-1], {}).get("identifier", [])
    number = next((one["value"] for one in numbers if one.get("system") == NUMBER), "")
    return visit.say("books.bill", number=number) if number else ""


def deposit(visit: Visit, own: list[str], found: Found) -> str:
    return visit.say("books.deposit", account=own[-1][:SHORT])


def insured(visit: Visit, own: list[str], found: Found) -> str:
    """`Coverage/<id>/<year>/<what>`, or `Coverage/<id>/account`."""
    if len(own) == 3:
        return visit.say("books.personal", coverage=own[1])
    return visit.say(f"books.year.{own[3]}", coverage=own[1], year=own[2])


def difference(visit: Visit, own: list[str], found: Found) -> str:
    """Of a provider, or of an insurer."""
    side = insurer(visit, own[1:], found) if own[1] == "Organization" else window(visit, own, found)
    return visit.say("books.difference", side=side or own[-1])


def writeoff(visit: Visit, own: list[str], found: Found) -> str:
    return visit.say("books.kind.writeoff")


def memo(visit: Visit, own: list[str], found: Found) -> str:
    return visit.say("books.memo", year=own[1])


def elsewhere(visit: Visit, own: list[str], found: Found) -> str:
    """`elsewhere/Coverage/<id>/<year>`."""
    return visit.say("books.elsewhere", coverage=own[2], year=own[3])


TELLINGS: dict[str, Callable[[Visit, list[str], Found], str]] = {
    "money": window,
    "income": income,
    "Organization": insurer,
    "Account": bill,
    "deposit": deposit,
    "Coverage": insured,
    "difference": difference,
    "writeoff": writeoff,
    "memo": memo,
    "elsewhere": elsewhere,
}
