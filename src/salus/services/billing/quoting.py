"""What is said before anything is done: what a visit at a service costs, and how the year of an insured stands."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from salus.assistants.answers import every
from salus.base import clock
from salus.places.settlement import Rule, Year
from salus.places.tariffs import Price, Tariff
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store
from salus.services.acting import referred
from salus.services.billing import coverages, years
from salus.services.billing.done import CLASSES, coded
from salus.services.billing.local import USUAL, Local, place_of
from salus.services.billing.names import CHARGE, bare
from salus.services.looking import looked_up


@dataclass(frozen=True, slots=True)
class Quote:
    """What the tariff asks for a visit itself, without medicines and tests; minor units of `currency`."""

    currency: str
    prices: tuple[Price, ...]

    @property
    def total(self) -> int:
        return sum(one.price for one in self.prices)


@dataclass(frozen=True, slots=True)
class YearSoFar:
    """How an insured's year stands by the books: `year` in minor units of the rule's currency."""

    coverage: str
    insurance: str
    rule: Rule
    number: int
    year: Year

    def threshold_left(self, level: int = 3) -> int:
        """What is to be paid at a hospital of this level before the insurer pays anything."""
        row = next((one for one in self.rule.threshold if level in one.level), None)
        return max(0, row.first - self.year.threshold) if row else 0


def quote(store: Store, service: str, act: str = "AMB", day: date | None = None) -> Quote | None:
    """What a visit at a HealthcareService of that id costs on a day; None where the tariff does not say. `act`: a class
    of `done.CLASSES`, such as VR for one by video."""
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    told = looked_up(records, f"HealthcareService/{service}")
    tariff = Local(store.folder).tariff_read(place_of(looked_up(records, referred(told, "providedBy"))))
    if tariff is None:
        return None
    own = coded(told.get("type", []), CHARGE)
    codes = [own if own and one.startswith("consultation") else one for one in CLASSES[act][1]]
    found = [tariff.find(CHARGE, one, day or today(tariff)) for one in codes]
    prices = tuple(one for one in found if one)
    return Quote(tariff.currency, prices) if len(prices) == len(codes) else None


def today(tariff: Tariff) -> date:
    return clock.today(ZoneInfo(tariff.zone))


def year_so_far(records: Records, patient: str, place: str = USUAL, kind: str = "outpatient") -> list[YearSoFar]:
    """The years of a patient's insurances that are in force today, for whoever may see them; none while the site's
    rules cannot be read. Raises Forbidden."""
    local = Local(records.store.folder)
    rules = local.rules_read(place)
    tariff, person = local.tariff_read(place), looked_up(records, f"Patient/{bare(patient)}")
    found = []
    for card in every(records, "Coverage", [("beneficiary", f"Patient/{bare(patient)}"), ("_count", "100")]):
        day = today(tariff) if tariff else clock.now().date()
        rule = coverages.rule_for(rules, card, person, kind, day)
        if rule and card["status"] == "active" and coverages.in_force(card, day) and coverages.insurer_of(card):
            name = f"Coverage/{card['id']}"
            with records.store.readers.one() as reader:
                year = years.year_of(reader, name, day.year, rule.currency)
            found.append(YearSoFar(name, coverages.insurer_of(card), rule, day.year, year))
    return found
