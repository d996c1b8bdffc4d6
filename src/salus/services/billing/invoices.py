"""What others ask of billing: the bills of a patient, each explained line by line, and whether all was charged.

`issue` (issuing.py) and `cancel` (cancelling.py) make and unmake them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from salus.assistants.answers import every
from salus.places.settlement import Line, Rule, Settlement
from salus.records import Records, books
from salus.services.acting import referred
from salus.services.billing import explaining
from salus.services.billing.cancelling import cancel, encounter_of
from salus.services.billing.completeness import Missed, missing
from salus.services.billing.drawing import ISSUED
from salus.services.billing.explaining import Explained, Worked
from salus.services.billing.issuing import issue
from salus.services.billing.names import Resource, is_billed, owed
from salus.services.billing.sheets import Charged, Settled, Sheet, replayed, sheet_of

__all__ = ["Bill", "Explained", "Missed", "bill", "cancel", "invoices_of", "issue", "missing", "replayed"]


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
        return explaining.lines(self.settled, self.currency, language)

    def worked(self, language: str, mine: bool = True) -> Worked | None:
        """The same as a table of steps that adds up; None before it is settled. `mine`: told to the patient."""
        return explaining.worked(self.settled, self.currency, language, mine) if self.settled else None

    @property
    def rules(self) -> tuple[Rule, ...]:
        """By which it was settled, in the order in which the insurances pay."""
        return tuple(one.rule for one in (self.settled.layers if self.settled else ()) if one.rule)

    @property
    def insurances(self) -> tuple[tuple[str, int], ...]:
        """Each insurer with what it has of the bill, in the order in which they pay."""
        layers = self.settled.layers if self.settled else ()
        return tuple(
            (one.insurer, one.settlement.pays("insurer") + one.settlement.pays("serious"))
            for one in layers
            if one.insurer
        )


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
