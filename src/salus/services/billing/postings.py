"""A settled bill as entries of the books: each payer owes what it has of it, each kind of service earns its own."""

from collections.abc import Mapping

from salus.places.settlement import Payer
from salus.records.books import Entry
from salus.services.billing.names import WRITEOFF, Resource, income, owed
from salus.services.billing.sheets import Layer, Settled, Sheet


def entries(invoice: Resource, sheet: Sheet, settled: Settled) -> list[Entry]:
    """Debits of the payers against incomes; their sums are equal since the lines of a settlement are the bill."""
    wanted: dict[str, int] = {owed(invoice): settled.pays("insured")}
    for layer in settled.layers:
        for payer, name in others(layer).items():
            wanted[name] = wanted.get(name, 0) + layer.settlement.pays(payer)
    for one in sheet.items:
        wanted[income(one.kind)] = wanted.get(income(one.kind), 0) - one.amount
    return poured(wanted)


def others(layer: Layer) -> dict[Payer, str]:
    """Whose account of the books each payer but the patient is, for one insurance."""
    return {
        "insurer": layer.insurer,
        "serious": layer.insurer,
        "account": f"{layer.coverage}/account",
        "provider": WRITEOFF,
    }


def poured(net: Mapping[str, int]) -> list[Entry]:
    """Entries that give each account its net (debit positive); the nets sum to zero.

    >>> [(one.debit, one.credit, one.amount) for one in poured({"a": 5, "b": 3, "x": -6, "y": -2})]
    [('a', 'x', 5), ('b', 'x', 1), ('b', 'y', 2)]
    """
    debits = [(name, amount) for name, amount in net.items() if amount > 0]
    credits = [(name, -amount) for name, amount in net.items() if amount < 0]
    made: list[Entry] = []
    for debit, owing in debits:
        while owing:
            credit, have = credits.pop(0)
            part = min(owing, have)
            made.append(Entry(debit, credit, part))
            owing -= part
            if have > part:
                credits.insert(0, (credit, have - part))
    return made
