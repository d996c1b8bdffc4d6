"""Who pays what of a visit, line by line, in the insurer's own order of steps. Pure: the same in, the same fen out.

Every line gives an amount to a payer and says why in numbers; together they are the bill, always. A share is rounded
half up to the minor unit; the insured pay the rest of that line, so that no fen is lost or made.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from salus.base.errors import Invalid
from salus.places.settlement.rules import Band, Rule

Payer = Literal["insured", "insurer", "serious", "account", "provider"]
Cover = Literal["full", "part", "none"]  # 甲类, 乙类, 丙类 in China
WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class Item:
    """A charge. `own`: share that the insured pay first of what is covered in part; `limit`: most that is counted."""

    code: str
    amount: int
    cover: Cover = "full"
    own: int = 0
    limit: int | None = None

    def __post_init__(self) -> None:
        if type(self.amount) is not int or self.amount < 0:
            raise Invalid(
                f"{self.amount!r} is no amount of {self.code}: whole minor units, not negative", path="amount"
            )
        if not 0 <= self.own <= WHOLE:
            raise Invalid(f"{self.own} is no share of {self.code}: hundredths of a percent, 0 to 10000", path="own")
        if self.limit is not None and self.limit < 0:
            raise Invalid(f"{self.limit} is no limit of {self.code}: not negative", path="limit")


@dataclass(frozen=True, slots=True)
class Visit:
    """What kind of visit (`outpatient`, `inpatient`, `emergency`), when, at a hospital of which level."""

    kind: str
    day: date
    level: int = 3


@dataclass(frozen=True, slots=True)
class Year:
    """What has added up in the insured's year before this visit, in minor units; `stays` in hospital are counted."""

    threshold: int = 0
    counted: int = 0
    insurer: int = 0
    own: int = 0
    stays: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """What is to be settled. `account`: what the personal account may pay, 0 where it shall not."""

    visit: Visit
    items: tuple[Item, ...]
    year: Year = field(default_factory=Year)
    account: int = 0

    @property
    def total(self) -> int:
        return sum(one.amount for one in self.items)


@dataclass(frozen=True, slots=True)
class Line:
    """`amount` is given to `payer` by a step, for an item or for all; `of` is what the share was taken of, `share` in
    hundredths of a percent, `above` and `upto` the edges of the band. A negative amount is taken from that payer."""

    step: str
    payer: Payer
    amount: int
    item: str = ""
    of: int = 0
    share: int | None = None
    above: int | None = None
    upto: int | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """The whole answer: `version` of the rule, lines, and how the year stands afterwards."""

    version: str
    currency: str
    lines: tuple[Line, ...]
    year: Year

    def pays(self, payer: Payer) -> int:
        return sum(line.amount for line in self.lines if line.payer == payer)

    @property
    def total(self) -> int:
        return sum(line.amount for line in self.lines)


class Sheet:
    """A settlement in the making: what is left of each item, and the lines so far."""

    def __init__(self, rule: Rule, claim: Claim) -> None:
        self.rule, self.claim = rule, claim
        self.lines: list[Line] = []
        self.left = [one.amount for one in claim.items]
        self.year = claim.year

    @property
    def open(self) -> int:
        return sum(self.left)

    def give(self, step: str, payer: Payer, amount: int, **why: int | str | None) -> None:
        if amount:
            self.lines.append(Line(step, payer, amount, **why))  # type: ignore[arg-type]

    def paid(self, payer: Payer, *steps: str) -> int:
        return sum(one.amount for one in self.lines if one.payer == payer and (not steps or one.step in steps))


def settle(rule: Rule, claim: Claim) -> Settlement:
    """Go through the steps of the rule. Raises Invalid for a claim that the rule is not for."""
    visit = claim.visit
    if visit.kind not in rule.visit or not rule.since <= visit.day < rule.until:
        raise Invalid(f"{rule.id} does not settle the {visit.kind} visit of {visit.day}", path="visit")
    if rule.bands and not rule.bands_of(visit.level):
        raise Invalid(f"{rule.id} knows no hospitals of level {visit.level}", path="level")
    sheet = Sheet(rule, claim)
    for step in rule.steps:
        DONE[step](sheet)
    sheet.give("rest", "insured", sheet.open)
    year = replace(sheet.year, stays=sheet.year.stays + (visit.kind == "inpatient"))
    return Settlement(rule.version, rule.currency, tuple(sheet.lines), year)


def all_own(claim: Claim, currency: str, why: str) -> Settlement:
    """All is the insured's, since no rule says otherwise; `why` is a step of `UNSETTLED`."""
    lines = (Line(why, "insured", claim.total),) if claim.total else ()
    return Settlement("", currency, lines, claim.year)


UNSETTLED = ("uncovered", "expired", "ruleless")


def share_of(amount: int, share: int) -> int:
    """Half up, in whole minor units.

    >>> share_of(101, 5000), share_of(99, 3333), share_of(0, 8500)
    (51, 33, 0)
    """
    return (amount * share * 2 + WHOLE) // (2 * WHOLE)


# --- steps that look at each item ---


def limit(sheet: Sheet) -> None:
    """What lies above an item's limit is the insured's. 限价"""
    beyond(sheet, "limit", "insured")


def allowed(sheet: Sheet) -> None:
    """What lies above the amount agreed with the insurer is nobody's: the provider writes it off."""
    beyond(sheet, "allowed", "provider")


def beyond(sheet: Sheet, step: str, payer: Payer) -> None:
    for at, item in enumerate(sheet.claim.items):
        if item.limit is not None and sheet.left[at] > item.limit:
            sheet.give(step, payer, sheet.left[at] - item.limit, item=item.code, of=sheet.left[at], upto=item.limit)
            sheet.left[at] = item.limit


def none(sheet: Sheet) -> None:
    """What is not covered at all is the insured's. 丙类"""
    for at, item in enumerate(sheet.claim.items):
        if item.cover == "none":
            sheet.give("none", "insured", sheet.left[at], item=item.code)
            sheet.left[at] = 0


def part(sheet: Sheet) -> None:
    """Of what is covered in part the insured pay a share first. 乙类先行自付"""
    for at, item in enumerate(sheet.claim.items):
        if item.cover == "part":
            own = share_of(sheet.left[at], item.own)
            sheet.give("part", "insured", own, item=item.code, of=sheet.left[at], share=item.own)
            sheet.left[at] -= own


# --- steps that look at the sum ---


def take(sheet: Sheet, amount: int) -> None:
    """Take so much from what is left, item after item."""
    for at, have in enumerate(sheet.left):
        gone = min(have, amount)
        sheet.left[at] -= gone
        amount -= gone


def copay(sheet: Sheet) -> None:
    """A fixed amount of each visit."""
    own = min(sheet.rule.copay, sheet.open)
    sheet.give("copay", "insured", own, of=sheet.rule.copay)
    take(sheet, own)


def threshold(sheet: Sheet) -> None:
    """What the insured pay before the insurer pays anything. 起付线"""
    rule, year = sheet.rule, sheet.claim.year
    row = next(one for one in rule.threshold if sheet.claim.visit.level in one.level)
    whole = row.first if not year.stays or row.later is None else row.later
    due = max(0, whole - year.threshold) if rule.yearly else whole
    own = min(due, sheet.open)
    sheet.give("threshold", "insured", own, of=due, upto=whole)
    take(sheet, own)
    if rule.yearly:
        sheet.year = replace(sheet.year, threshold=sheet.year.threshold + own)


def bands(sheet: Sheet) -> None:
    """What is left, cut into bands, and shared in each. 分段按比例支付"""
    begin = sheet.claim.year.counted if sheet.rule.yearly else 0
    end = begin + sheet.open
    for band in sheet.rule.bands_of(sheet.claim.visit.level):
        within = overlap(band, begin, end)
        paid = share_of(within, band.share)
        why = {"of": within, "above": band.above, "upto": band.upto}
        sheet.give("bands", "insurer", paid, share=band.share, **why)
        sheet.give("bands", "insured", within - paid, share=WHOLE - band.share, **why)
    if sheet.rule.yearly:
        sheet.year = replace(sheet.year, counted=sheet.year.counted + sheet.open)
    take(sheet, sheet.open)


def overlap(band: Band, begin: int, end: int) -> int:
    """How much of `begin` to `end` lies in the band.

    >>> overlap(Band(100, 8500, 300), 50, 250), overlap(Band(100, 8500), 400, 500), overlap(Band(0, 1, 10), 20, 30)
    (150, 100, 0)
    """
    top = end if band.upto is None else min(end, band.upto)
    return max(0, top - max(begin, band.above))


def cap(sheet: Sheet) -> None:
    """What the insurer would pay above the most of a year comes back to the insured. 封顶线"""
    most = sheet.rule.cap or 0
    room = max(0, most - sheet.claim.year.insurer)
    over = max(0, sheet.paid("insurer") - room)
    sheet.give("cap", "insurer", -over, of=room, upto=most)
    sheet.give("cap", "insured", over, of=room, upto=most)
    sheet.year = replace(sheet.year, insurer=sheet.year.insurer + sheet.paid("insurer"))


COUNTED = ("part", "threshold", "bands", "cap", "copay")  # what the insured pay of covered things


def serious(sheet: Sheet) -> None:
    """Of what the insured paid for covered things this year, insurance of serious illness pays a share. 大病保险"""
    begin = sheet.claim.year.own
    end = begin + sheet.paid("insured", *COUNTED)
    for band in sheet.rule.serious:
        if sheet.claim.visit.level in band.level:
            within = overlap(band, begin, end)
            paid = share_of(within, band.share)
            why = {"of": within, "share": band.share, "above": band.above, "upto": band.upto}
            sheet.give("serious", "serious", paid, **why)
            sheet.give("serious", "insured", -paid, **why)
    sheet.year = replace(sheet.year, own=end)


def most(sheet: Sheet) -> None:
    """What the insured would pay above the most of a year goes to the insurer (out-of-pocket maximum)."""
    room = max(0, (sheet.rule.most or 0) - sheet.claim.year.own)
    own = sheet.paid("insured", *COUNTED)
    over = max(0, own - room)
    sheet.give("most", "insured", -over, of=room, upto=sheet.rule.most)
    sheet.give("most", "insurer", over, of=room, upto=sheet.rule.most)
    sheet.year = replace(
        sheet.year, own=sheet.year.own + own - over, insurer=sheet.claim.year.insurer + sheet.paid("insurer")
    )


def account(sheet: Sheet) -> None:
    """The personal account pays what it has of what the insured pay. 个人账户"""
    paid = min(sheet.claim.account, sheet.paid("insured") + sheet.open)
    sheet.give("account", "account", paid, of=sheet.claim.account)
    sheet.give("account", "insured", -paid, of=sheet.claim.account)


DONE: dict[str, Callable[[Sheet], None]] = {
    "limit": limit,
    "allowed": allowed,
    "none": none,
    "part": part,
    "copay": copay,
    "threshold": threshold,
    "bands": bands,
    "cap": cap,
    "serious": serious,
    "most": most,
    "account": account,
}
