"""The insurance of the demonstration city: its own rules and prices beside those built in, as a hospital lays them, and
what the personal account of the patient to look at first holds."""

from importlib.resources import files
from pathlib import Path

from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.records.shapes import Version
from salus.services.billing.local import take
from salus.services.billing.names import PERSONAL

HELD = {"value": 50.00, "currency": "CNY"}


def lay(store: Store, place: Path | str, patient: str) -> None:
    """`place`: where the store is. What is laid already stays as it is."""
    for name in ("rules", "prices"):
        take((files("salus.demo") / "site" / f"{name}.toml").read_text("utf-8"), place)
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    for card in records.search("Coverage", f"beneficiary=Patient/{patient}").versions:
        if not is_filled(card):
            told = card.json() | {"extension": [{"url": PERSONAL, "valueMoney": HELD}]}
            records.update("Coverage", card.id, told)


def is_filled(card: Version) -> bool:
    return any(one["url"] == PERSONAL for one in card.json().get("extension", []))
