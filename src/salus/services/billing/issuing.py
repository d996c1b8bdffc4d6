"""A visit's draft becomes a bill, in one transaction: settled by the rule in force with the year as the books have it,
the Invoice, the claim and its answer written, all of it posted, the year moved on.

The store's writers take turns, whatever process they are in (a gate beside the file; on PostgreSQL an advisory lock
that each writing transaction takes before it reads anything), so two bills at once cannot both use the same threshold.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import msgspec

from salus.base import clock
from salus.base.errors import Conflict, Missing
from salus.base.money import plain
from salus.places.settlement import Claim, Item, Rule, Visit, Year, left
from salus.privacy import SYSTEM, Actor, Purpose, check_may
from salus.privacy.policy import Act
from salus.records import Store, books
from salus.records.desk import Desk
from salus.services.acting import put, standing
from salus.services.billing import coverages, elsewhere, postings, years
from salus.services.billing.claims import put_claim
from salus.services.billing.desks import Visited, submit, visited
from salus.services.billing.done import OVER
from salus.services.billing.drawing import chain, last_issued, with_sheet
from salus.services.billing.local import Local
from salus.services.billing.names import Resource, owed
from salus.services.billing.sheets import (
    Counted,
    Layer,
    Settled,
    Sheet,
    left_settled_by,
    moved,
    passed_on,
    settled_by,
    sheet_of,
)


def issue(store: Store, actor: Actor, purpose: Purpose, encounter: str) -> Resource:
    """Issue what a visit has on its draft; the Invoice, the one that stands if nothing new is to be billed.
    `encounter`: its id.

    Raises Missing (no such visit, nothing to bill), Conflict (the visit is not over; two insurances could be meant;
    rule and tariff in two currencies; the patient would get something back: the earlier bill must be cancelled first),
    Forbidden.
    """
    check_may(actor, purpose, Act.WRITE, "Invoice")
    local, name = Local(store.folder), f"Encounter/{encounter}"
    looked = store.open(SYSTEM, Purpose.PAYMENT)
    patient = looked.read("Encounter", encounter).json().get("subject", {}).get("reference", "")
    ids = coverages.known(looked, patient) if patient else ()

    def work(desk: Desk) -> Resource:
        visit = visited(desk, local, name)
        if visit is None:
            raise Missing(f"There is no {name[:80]}", path="encounter")
        if visit.status not in OVER:
            raise Conflict(f"{name} is {visit.status}: its bill is issued when it is finished", path="status")
        invoices = chain(desk, name)
        if not invoices or invoices[-1]["status"] != "draft" or not sheet_of(invoices[-1]).items:
            return the_last(invoices, name)
        return written(desk, local, visit, invoices, ids)

    return submit(store, actor, purpose, "issue", name, work)


def the_last(invoices: Sequence[Resource], name: str) -> Resource:
    """Raises Missing where nothing was ever billed."""
    found = last_issued(list(invoices))
    if found is None:
        raise Missing(f"There is nothing to bill of {name}: nothing of it was charged", path="encounter")
    return found


def written(desk: Desk, local: Local, visit: Visited, invoices: list[Resource], ids: Sequence[str]) -> Resource:
    """Settle, post and write the draft that is the last of the invoices."""
    draft = invoices[-1]
    before, sheet = last_issued(invoices), sheet_of(draft)
    earlier = sheet_of(before).settled if before else None
    settled = again(desk, sheet, earlier) if earlier else anew(desk, local, visit, sheet, ids)
    due = settled.pays("insured")
    if due < 0:
        back = plain(-due, sheet.currency)
        raise Conflict(
            f"By this bill the patient would get {back} {sheet.currency} back: "
            f"cancel Invoice/{before and before['id']}, then issue the whole visit again",
            path="invoice",
        )
    sheet = msgspec.structs.replace(sheet, settled=settled)
    post(desk, draft, sheet, settled, earlier)
    put_claim(desk, visit, draft["id"], sheet, settled)
    for item in sheet.items:
        if found := standing(desk, f"ChargeItem/{item.charge}"):
            put(desk, found | {"status": "billed"})
    status = "issued" if due else "balanced"
    return put(desk, with_sheet(draft, sheet) | {"status": status, "date": clock.instant(desk.at)})


def anew(desk: Desk, local: Local, visit: Visited, sheet: Sheet, ids: Sequence[str]) -> Settled:
    """The first bill of a visit."""
    by, *others = coverages.insurances(desk, local, visit, ids)
    claim = claimed(desk, by, Visit(visit.kind, visit.day, visit.level), tuple(one.item for one in sheet.items))
    made = settled_by(by.rule, by.why, claim, sheet.currency, {})
    counted = counted_by(desk, by.rule, by.coverage, visit.day)
    first = Settled(claim, made, {}, by.rule, by.why, by.coverage, by.insurer, counted, names(sheet))
    further: list[Layer] = []
    for one in others:
        claim = claimed(desk, one, claim.visit, left(claim, made))
        made = left_settled_by(one.rule, one.why, claim, sheet.currency, {})
        counted = counted_by(desk, one.rule, one.coverage, visit.day)
        further.append(Layer(claim, made, {}, one.rule, one.why, one.coverage, one.insurer, counted))
    return msgspec.structs.replace(first, further=tuple(further))


def claimed(desk: Desk, by: coverages.Insured, visit: Visit, items: tuple[Item, ...]) -> Claim:
    """What an insurance is asked for, with the year as the books have it."""
    year = years.year_of(desk, by.coverage, visit.day.year, by.rule.currency) if by.rule else Year()
    return Claim(visit, items, year, by.account)


def counted_by(desk: Desk, rule: Rule | None, coverage: str, day: date) -> Counted | None:
    """What other hospitals counted of the year that a rule goes by."""
    return elsewhere.counted(desk, coverage, day.year, rule.currency) if rule else None


def again(desk: Desk, sheet: Sheet, earlier: Settled) -> Settled:
    """What came late: the whole visit by the rules and insurances it was settled by, less what it was billed."""
    items = (*earlier.claim.items, *(one.item for one in sheet.items))
    claim = claimed_again(desk, sheet, earlier, items)
    before = had(earlier)
    made = settled_by(earlier.rule, earlier.why, claim, sheet.currency, before)
    told = {**earlier.names, **names(sheet)}
    day = earlier.claim.visit.day
    counted = counted_by(desk, earlier.rule, earlier.coverage, day)
    told_of = {"before": before, "names": told, "elsewhere": counted}
    first = msgspec.structs.replace(earlier, claim=claim, settlement=made, **told_of)

    def ask(one: Layer, items: tuple[Item, ...]) -> Layer:
        counted = counted_by(desk, one.rule, one.coverage, day)
        claim = claimed_again(desk, sheet, one, items)
        return msgspec.structs.replace(one, claim=claim, before=had(one), elsewhere=counted)

    return passed_on(first, sheet.currency, ask)


def claimed_again(desk: Desk, sheet: Sheet, earlier: Layer, items: tuple[Item, ...]) -> Claim:
    """What the insurance is asked for now: its year and the personal account as they would be without the visit."""
    claim = replace(earlier.claim, items=items)
    if not earlier.rule:
        return claim
    now = years.year_of(desk, earlier.coverage, earlier.claim.visit.day.year, sheet.currency)
    account = coverages.personal_left(desk, earlier.coverage, earlier.rule) + earlier.whole["account"]
    return replace(claim, year=moved(earlier.added, now), account=account)


def had(earlier: Layer) -> dict[str, int]:
    """What each payer has of earlier bills."""
    return {payer: amount for payer, amount in earlier.whole.items() if amount}


def names(sheet: Sheet) -> dict[str, tuple[str, str]]:
    return {one.code: (one.en, one.zh) for one in sheet.items}


def post(desk: Desk, invoice: Resource, sheet: Sheet, settled: Settled, earlier: Settled | None) -> None:
    """The bill and what it adds to the years, under one key: together or not at all, and once."""
    entries = postings.entries(invoice, sheet, settled)
    befores = earlier.layers if earlier else (None,) * len(settled.layers)
    for one, before in zip(settled.layers, befores, strict=True):
        if one.rule:
            added = moved(before.added, one.added) if before else one.added
            entries += years.entries(one.coverage, one.claim.visit.day.year, added)
    if entries:
        books.limit(desk, owed(invoice), sheet.currency, least=0)
        books.post(desk, f"invoice/{invoice['id']}", sheet.currency, entries, f"Invoice/{invoice['id']}")
