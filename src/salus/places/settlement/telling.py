"""Each line of a settlement in words, for the patient who asks why."""

from collections.abc import Callable

from salus.base.words import words_of
from salus.places.settlement.settling import WHOLE, Line

Money = Callable[[int], str]  # minor units as they are written, such as `salus.ui.formats.money`


def told(line: Line, language: str, money: Money, named: Callable[[str], str] = str) -> str:
    """Why this line gives (or takes) its amount, in a sentence; `named` gives an item's name for its code.

    >>> told(Line("threshold", "insured", 130000, of=130000, upto=130000), "en", lambda minor: f"{minor / 100:.2f}")
    'You pay the first 1300.00; 1300.00 of it was still open.'
    """
    words = words_of("salus.places.settlement")
    return words(key(line), language, **slots(line, money, named))


def key(line: Line) -> str:
    """Which sentence: that of the step and payer, with an open end where the band has none."""
    end = ".open" if line.step in ("bands", "serious") and line.upto is None else ""
    return f"{line.step}.{line.payer}{end}"


def slots(line: Line, money: Money, named: Callable[[str], str]) -> dict[str, str]:
    amounts = {"amount": abs(line.amount), "of": line.of, "above": line.above, "upto": line.upto}
    told = {name: money(value) for name, value in amounts.items() if value is not None}
    return told | {"item": named(line.item), "share": "" if line.share is None else percent(line.share)}


def percent(share: int) -> str:
    """
    >>> percent(8500), percent(1250), percent(3333)
    ('85%', '12.5%', '33.33%')
    """
    whole = f"{share * 100 / WHOLE:.2f}".rstrip("0").rstrip(".")
    return f"{whole}%"


def payer(line: Line, language: str) -> str:
    return words_of("salus.places.settlement")(f"payer.{line.payer}", language)
