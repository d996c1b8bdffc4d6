"""What others ask of billing: the bills of a patient, each explained line by line, and whether all was charged.

`issue` (issuing.py) and `cancel` (cancelling.py) make and unmake them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from salus.assistants.answers import every
from salus.base.words import words_of
from salus.places.settlement import Line, Settlement, told
from salus.places.settlement.telling import payer
from salus.records import Records, books
from salus.services.acting import referred
from salus.services.billing.cancelling import cancel, encounter_of
from salus.services.billing.completeness import Missed, missing
from salus.services.billing.drawing import ISSUED
from salus.services.billing.issuing import issue
from salus.services.billing.names import Resource, is_billed, owed
from salus.services.billing.sheets import Charged, Settled, Sheet, passed, replayed, sheet_of
from salus.ui.formats import money

WORDS = words_of("salus.services.billing")
__all__ = ["Bill", "Explained", "Missed", "bill", "cancel", "invoices_of", "issue", "missing", "replayed"]


@dataclass(frozen=True, slots=True)
class Explained:
    """A line of a bill in words: who has how much (minor units; less than 0 is taken off), and why."""

    payer: str
    amount: int
    why: str


@dataclass(frozen=True, slots=True)
class Bill:
    """An Invoice as people see it; amounts in minor units of `currency`. `insurer` is what insurance has with that of
    serious illness, `account` the personal account, `writeoff` nobody's; `due` is what the patient still owes."""

    id: str
    number: str
    status: str
    patient: str
    encounter: str
    organization: str
    owner: str
    issued: datetime | None
    currency: str
    items: tuple[Charged, ...]
    total: int
    insured: int
    insurer: int
    account: int
    writeoff: int
    paid: int
    due: int
    settled: Settled | None
    cancelled: str

    @property
    def settlement(self) -> Settlement | None:
        return self.settled.combined if self.settled else None

    @property
    def lines(self) -> tuple[Line, ...]:
        return self.settlement.lines if self.settlement else ()

    def explained(self, language: str) -> Iterator[Explained]:
        """Each line in the words of a language, "en" or "zh"."""
        names = self.settled.names if self.settled else {}

        def amount(minor: int) -> str:
            return money(minor, self.currency, language)

        def named(code: str) -> str:
            return names.get(code, (code, code))[language == "zh"]

        for number, one in enumerate(self.settled.layers if self.settled else (), 1):
            yield from handed_on(self, number, language, amount)
            for line in one.settlement.lines:
                yield Explained(
                    payer_of(payer(line, language), line.payer, number, language),
                    line.amount,
                    told(line, language, amount, named),
                )

    @property
    def insurances(self) -> tuple[tuple[str, int], ...]:
        """Each insurer with what it has of the bill, in the order in which they pay."""
        layers = self.settled.layers if self.settled else ()
        return tuple(
            (one.insurer, one.settlement.pays("insurer") + one.settlement.pays("serious"))
            for one in layers
            if one.insurer
        )


def handed_on(bill: Bill, number: int, language: str, amount: Callable[[int], str]) -> Iterator[Explained]:
    """What the insurance before this one leaves is what this one pays of."""
    if number > 1 and bill.settled:
        for line in passed(bill.settled.layers[number - 2].settlement):
            why = WORDS("insurance.passed", language, before=number - 1, next=number, amount=amount(-line.amount))
            yield Explained(payer(line, language), line.amount, why)


def payer_of(name: str, kind: str, number: int, language: str) -> str:
    """Of a second insurance its number is said; the patient is the same."""
    if number == 1 or kind in ("insured", "provider"):
        return name
    key = "insurance.number" if kind == "insurer" else "insurance.payer"
    return WORDS(key, language, payer=name, number=number)


def invoices_of(records: Records, patient: str) -> list[Bill]:
    """All bills of a patient (`7`, or `Patient/7`) that were made here, the latest first, drafts before all. Raises
    Forbidden."""
    asked = [("patient", patient.removeprefix("Patient/")), ("_count", "200")]
    found = [billed(records, one) for one in every(records, "Invoice", asked) if is_billed(one)]
    drafts = [one for one in found if one.issued is None]
    done = sorted((one for one in found if one.issued), key=lambda one: (one.issued, one.number), reverse=True)
    return drafts + done


def bill(records: Records, invoice_id: str) -> Bill:
    """Raises Missing, Forbidden, Invalid (an Invoice that was not made here)."""
    return billed(records, records.read("Invoice", invoice_id).json())


def billed(records: Records, invoice: Resource) -> Bill:
    """The view of an Invoice that somebody may see; what is due is what the books say."""
    sheet = sheet_of(invoice)
    insured, due = sheet.pays("insured"), due_of(records, invoice, sheet)
    stands = invoice["status"] in ISSUED
    return Bill(
        id=invoice["id"],
        number=invoice["identifier"][0]["value"],
        status=invoice["status"],
        patient=referred(invoice, "subject"),
        encounter=encounter_of(invoice),
        organization=referred(invoice, "issuer"),
        owner=referred(invoice, "account"),
        issued=datetime.fromisoformat(invoice["date"]) if "date" in invoice else None,
        currency=sheet.currency,
        items=sheet.items,
        total=sheet.total,
        insured=insured,
        insurer=sheet.pays("insurer") + sheet.pays("serious"),
        account=sheet.pays("account"),
        writeoff=sheet.pays("provider"),
        paid=insured - due if stands else 0,
        due=due,
        settled=sheet.settled,
        cancelled=invoice.get("cancelledReason", ""),
    )


def due_of(records: Records, invoice: Resource, sheet: Sheet) -> int:
    with records.store.readers.one() as reader:
        return books.balance(reader, owed(invoice), sheet.currency).net
