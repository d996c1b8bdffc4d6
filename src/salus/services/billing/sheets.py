"""The sheet of an Invoice: its charges, and how they were settled, exactly as they were counted.

It stands in the Invoice itself, with the whole rule, so that it can be settled again and explained line by line in
years to come, whatever the files of tariffs and rules say by then.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from dataclasses import astuple, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import count
from typing import Literal

import msgspec
from msgspec import Struct

from salus.base.errors import Invalid
from salus.places.settlement import Claim, Item, Line, Payer, Rule, Settlement, Year, all_own, left, settle
from salus.records import Records
from salus.services.billing.names import SHEET, Resource, extension, invoice_id
from salus.services.looking import looked_up

BEFORE = "before"  # the step of a line that takes off what an earlier bill gave
PAYERS: tuple[Payer, ...] = ("insured", "insurer", "serious", "account", "provider")


def moved(begin: Year, end: Year) -> Year:
    """What is added from one to the other."""
    return Year(*(after - before for before, after in zip(astuple(begin), astuple(end), strict=True)))


class Charged(Struct, frozen=True):
    """One charge of a bill. `charge`: the id of its ChargeItem; `source`: what was done; `quantity` and `unit` as they
    were written there; `price` is for one `priced`; amounts in minor units."""

    charge: str
    source: str
    system: str
    code: str
    kind: str
    en: str
    zh: str
    quantity: str
    unit: str
    price: int
    priced: str
    amount: int
    day: date
    cover: Literal["full", "part", "none"] = "full"
    own: int = 0
    limit: int | None = None

    @property
    def item(self) -> Item:
        return Item(self.code, self.amount, self.cover, self.own, self.limit)

    def name(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


class Counted(Struct, frozen=True):
    """What of a year was counted at other hospitals, up to a day; it is in the year of the claim already."""

    until: date
    amounts: Year


class Layer(Struct, frozen=True):
    """How one insurance settled what it was asked for: the first the whole visit, the next what the one before it left
    to the patient. `before` is what earlier bills of the visit gave each payer. Without a rule, `why` says why there is
    none. `elsewhere` is told beside it, and settles nothing."""

    claim: Claim
    settlement: Settlement
    before: dict[str, int]
    rule: Rule | None = None
    why: str = ""
    coverage: str = ""
    insurer: str = ""
    elsewhere: Counted | None = None

    @property
    def added(self) -> Year:
        """What the whole visit adds to the year."""
        return moved(self.claim.year, self.settlement.year)

    @property
    def whole(self) -> dict[str, int]:
        """What each payer has of the whole visit, with earlier bills."""
        return {one: self.settlement.pays(one) + self.before.get(one, 0) for one in PAYERS}


class Settled(Layer, frozen=True):
    """How a bill was settled, by the first insurance and by those `further` in their order; `names` what each code is
    called in English and Chinese."""

    names: dict[str, tuple[str, str]] = {}
    further: tuple[Layer, ...] = ()

    @property
    def layers(self) -> tuple[Layer, ...]:
        return (self, *self.further)

    def pays(self, payer: Payer) -> int:
        """What a payer has of this bill: the patient what the last insurance leaves, others what all give them."""
        if payer == "insured":
            return self.layers[-1].settlement.pays(payer)
        return sum(one.settlement.pays(payer) for one in self.layers)

    @property
    def combined(self) -> Settlement:
        """All lines as one settlement: what an insurance passes on is taken off the patient before the next begins."""
        made = self.settlement
        for one in self.further:
            lines = (*made.lines, *passed(made), *one.settlement.lines)
            versions = " + ".join(filter(None, (made.version, one.settlement.version)))
            made = Settlement(versions, made.currency, lines, made.year)
        return made


def passed(made: Settlement) -> tuple[Line, ...]:
    """What is left to the patient goes to the next insurance."""
    amount = made.pays("insured")
    return (Line("passed", "insured", -amount),) if amount else ()


class Sheet(Struct, frozen=True):
    """All of it. Items stand in the order of their days and ids, in whatever order they came."""

    place: str
    currency: str
    items: tuple[Charged, ...] = ()
    settled: Settled | None = None

    @property
    def total(self) -> int:
        return sum(one.amount for one in self.items)

    def pays(self, payer: Payer) -> int:
        """What a payer has of this bill; before it is settled all is the patient's."""
        if self.settled is None:
            return self.total if payer == "insured" else 0
        return self.settled.pays(payer)

    def with_item(self, item: Charged) -> "Sheet":
        kept = [one for one in self.items if one.charge != item.charge]
        return msgspec.structs.replace(self, items=tuple(sorted([*kept, item], key=order)))

    def without(self, charge: str) -> "Sheet":
        return msgspec.structs.replace(self, items=tuple(one for one in self.items if one.charge != charge))


def order(one: Charged) -> tuple[date, str, str]:
    return one.day, one.code, one.charge


def sheet_of(invoice: Resource) -> Sheet:
    """Raises Invalid for an Invoice that was not made here."""
    try:
        return msgspec.json.decode(b64decode(extension(invoice, SHEET).get("valueBase64Binary", "")), type=Sheet)
    except (msgspec.MsgspecError, ValueError) as fault:
        raise Invalid(f"Invoice/{invoice.get('id')} has no sheet that could be read: {fault}", path="Invoice") from None


def kept(sheet: Sheet) -> Resource:
    """Its JSON in base64: as text, its quotes and braces would make each reader of the Invoice look twice."""
    return {"url": SHEET, "valueBase64Binary": b64encode(msgspec.json.encode(sheet)).decode()}


def settled_by(rule: Rule | None, why: str, claim: Claim, currency: str, before: dict[str, int]) -> Settlement:
    """The whole visit by the rule, less what earlier bills of it gave: the same, however late a charge comes."""
    made = settle(rule, claim) if rule else all_own(claim, currency, why)
    return less(made, before)


def left_settled_by(rule: Rule | None, why: str, claim: Claim, currency: str, before: dict[str, int]) -> Settlement:
    """The same of what another insurance left: where that is nothing, no visit is counted in the year either."""
    if claim.items:
        return settled_by(rule, why, claim, currency, before)
    return less(Settlement(rule.version if rule else "", currency, (), claim.year), before)


def passed_on(first: Settled, currency: str, ask: Callable[[Layer, tuple[Item, ...]], Layer]) -> Settled:
    """A bill that its first insurance has settled anew, settled by the further ones too: `ask` gives each what the one
    before it leaves, and with it what is claimed and what earlier bills gave."""
    last: Layer = first
    further: list[Layer] = []
    for one in first.further:
        asked = ask(one, left(last.claim, whole_of(last.settlement)))
        made = left_settled_by(asked.rule, asked.why, asked.claim, currency, asked.before)
        last = msgspec.structs.replace(asked, settlement=made)
        further.append(last)
    return msgspec.structs.replace(first, further=tuple(further))


def less(made: Settlement, before: dict[str, int]) -> Settlement:
    lines = tuple(Line(BEFORE, payer, -before[payer]) for payer in PAYERS if before.get(payer))
    return Settlement(made.version, made.currency, made.lines + lines, made.year)


def whole_of(made: Settlement) -> Settlement:
    """Of the whole visit: earlier bills are not taken off."""
    return Settlement(made.version, made.currency, tuple(one for one in made.lines if one.step != BEFORE), made.year)


def replayed(invoice: Resource) -> Settlement:
    """An issued Invoice settled again from its own sheet: the same fen, or something is broken. Raises Invalid for one
    that was not settled."""
    sheet = sheet_of(invoice)
    told = sheet.settled
    if told is None:
        raise Invalid(f"Invoice/{invoice['id']} is not settled yet: issue it first", path="status")
    made = settled_by(told.rule, told.why, told.claim, sheet.currency, told.before)
    first = msgspec.structs.replace(told, settlement=made)
    return passed_on(first, sheet.currency, asked_again).combined


def asked_again(one: Layer, items: tuple[Item, ...]) -> Layer:
    return msgspec.structs.replace(one, claim=replace(one.claim, items=items))


def decimal(value: Fraction) -> str:
    """A quantity as it was written.

    >>> decimal(Fraction(7, 2)), decimal(Fraction(14))
    ('3.5', '14')
    """
    return str(Decimal(value.numerator) / Decimal(value.denominator))


def invoices_of_visit(records: Records, encounter: str) -> Iterator[Resource]:
    """The invoices of a visit of that id, from the first; their numbers have no gaps."""
    for number in count(1):
        if not (found := looked_up(records, f"Invoice/{invoice_id(f'Encounter/{encounter}', number)}")):
            return
        yield found
