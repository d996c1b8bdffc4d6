"""What a stay in hospital is to bring, while it goes on: its group so far, what that pays, what it has cost.

The group is by what is written down of the stay now; another diagnosis or operation may change it. It is told to those
who order, beside what is ordered, and never as a reason to leave something out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from salus.assistants.answers import every
from salus.base import clock
from salus.codes import Term, term
from salus.codes.tables import ICD9, ICD10, ICD10CM
from salus.places.drg import Grouper, Payment, Stay, Table, TableGrouper, payment
from salus.records import Records
from salus.services.acting import referred
from salus.services.billing.desks import HIGHEST
from salus.services.billing.done import CLASSES
from salus.services.billing.local import USUAL, Local, place_of
from salus.services.billing.names import LEVEL, Resource, extension
from salus.services.billing.sheets import invoices_of_visit, sheet_of
from salus.services.looking import looked_up

FIRST = ("DD", "AD", "CC", "")  # uses of a diagnosis, the most telling first: discharge, admission, chief complaint
UNSURE = frozenset({"refuted", "entered-in-error", "differential"})


@dataclass(frozen=True, slots=True)
class Expected:
    """A stay by the table in force; `payment` says its group, what that pays, what it cost, and what is left."""

    encounter: str
    table: Table
    stay: Stay
    payment: Payment
    level: int = HIGHEST
    place: str = USUAL
    grouper: Grouper | None = None

    def with_more(self, cost: int, procedures: tuple[str, ...] = ()) -> Payment:
        """What it would be with so much more charged (minor units), and with these procedures done too."""
        stay = replace(self.stay, procedures=(*self.stay.procedures, *procedures))
        grouped = (self.grouper or TableGrouper(self.table)).group(stay)
        return payment(self.table, grouped, self.level, self.payment.cost + cost)


def expected(records: Records, encounter: str, grouper: Grouper | None = None) -> Expected | None:
    """What a stay is to bring; None for what is no stay, has no diagnosis yet, or a place or day without a table.

    `grouper`: a city's own program in the place of the table. Raises Missing, Forbidden.
    """
    told = records.read("Encounter", encounter).json()
    if CLASSES.get(told["class"].get("code", ""), ("",))[0] != "inpatient":
        return None
    house = looked_up(records, referred(told, "serviceProvider"))
    place = place_of(house)
    table, stay = Local(records.store.folder).groups_read(place), stay_of(records, told)
    if table is None or stay is None or not table.since <= clock.now().date() < table.until:
        return None
    level = extension(house, LEVEL).get("valueInteger", HIGHEST)
    grouped = (grouper or TableGrouper(table)).group(stay)
    due = payment(table, grouped, level, cost_of(records, encounter))
    return Expected(encounter, table, stay, due, level, place, grouper)


def stay_of(records: Records, encounter: Resource) -> Stay | None:
    """The stay as it is written down now; None without a diagnosis that has a code."""
    codes = list(diagnoses(records, encounter))
    if not codes:
        return None
    done = every(records, "Procedure", [("encounter", encounter["id"]), ("status", "completed"), ("_count", "200")])
    procedures = tuple(code for one in done for code in coded(one.get("code", {}), ICD9))
    return Stay(codes[0], tuple(codes[1:]), procedures, age(records, encounter))


def diagnoses(records: Records, encounter: Resource) -> Iterator[str]:
    """ICD-10 codes, the main diagnosis first: by the ranks and uses that the Encounter gives, then as they came."""
    said = sorted(encounter.get("diagnosis", []), key=telling)
    named = [referred(one, "condition").removeprefix("Condition/") for one in said]
    wanted = [("encounter", str(encounter["id"])), ("_sort", "recorded-date"), ("_count", "200")]
    found = {str(one["id"]): one for one in every(records, "Condition", wanted)}
    for id in dict.fromkeys([*named, *found]):
        condition = found.get(id) or looked_up(records, f"Condition/{id}")
        if condition and not unsure(condition):
            yield from icd10(condition)


def telling(one: Resource) -> tuple[int, int]:
    uses = [coding.get("code", "") for coding in one.get("use", {}).get("coding", [])] or [""]
    return min(FIRST.index(use) if use in FIRST else len(FIRST) for use in uses), one.get("rank", 99)


def unsure(condition: Resource) -> bool:
    return not UNSURE.isdisjoint(one.get("code") for one in condition.get("verificationStatus", {}).get("coding", []))


def icd10(condition: Resource) -> list[str]:
    """The first code of ICD-10 that a Condition has, or that our tables know for what it has."""
    concept = condition.get("code", {})
    known = (term(one.get("system", ""), one.get("code", "")) for one in concept.get("coding", []))
    mapped = [str(one.more["icd10"]) for one in known if isinstance(one, Term) and "icd10" in one.more]
    return [*coded(concept, ICD10), *coded(concept, ICD10CM), *mapped][:1]


def coded(concept: Resource, system: str) -> list[str]:
    return [one["code"] for one in concept.get("coding", []) if one.get("system") == system and one.get("code")]


def age(records: Records, encounter: Resource) -> int:
    """In whole years when the stay began; 40 where nobody knows when they were born."""
    born = looked_up(records, referred(encounter, "subject")).get("birthDate", "")
    began = encounter.get("period", {}).get("start", "")
    if len(born) < 10 or len(began) < 10:
        return Stay("-").age
    birth, day = date.fromisoformat(born), date.fromisoformat(began[:10])
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def cost_of(records: Records, encounter: str) -> int:
    """What was charged so far, in minor units: issued or not, but for what was cancelled."""
    return sum(sheet_of(one).total for one in invoices_of_visit(records, encounter) if one["status"] != "cancelled")


def under_way(records: Records, patient: str) -> list[str]:
    """The ids of a patient's stays that go on."""
    wanted = [("patient", patient), ("class", "IMP"), ("status", "in-progress"), ("_count", "20")]
    return [str(one["id"]) for one in every(records, "Encounter", wanted)]
