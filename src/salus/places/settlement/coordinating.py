"""Two insurances one after the other: what the first leaves of each item to the insured is what the next one looks at.

https://hl7.org/fhir/R4/coverage-definitions.html#Coverage.order. Pure, and in whole minor units: the same in, the same
out.
"""

from collections.abc import Sequence
from dataclasses import replace

from salus.places.settlement.settling import Claim, Item, Payer, Settlement


def left(claim: Claim, made: Settlement) -> tuple[Item, ...]:
    """What a settlement leaves of its claim to the insured, item by item; together that is what they pay.

    What they pay for one item (above a limit, not covered, a share first) stays with it; what they pay of the sum
    (thresholds, shares in bands) is spread by what each item brought into the sum. What the sum gave back to them is
    taken off in the same way.
    """
    own, off = given(claim, made, "insured"), given(claim, made, "provider")
    shared = [one.amount - mine - gone for one, mine, gone in zip(claim.items, own, off, strict=True)]
    rest = made.pays("insured") - sum(own)
    spread = portions(rest, shared) if rest >= 0 else [-one for one in portions(-rest, own)]
    amounts = [mine + more for mine, more in zip(own, spread, strict=True)]
    return tuple(replace(one, amount=amount) for one, amount in zip(claim.items, amounts, strict=True) if amount)


def given(claim: Claim, made: Settlement, payer: Payer) -> list[int]:
    """What a payer has of each item by the lines that name it; items of one code share what is said of the code."""
    found = [0] * len(claim.items)
    for code in dict.fromkeys(one.code for one in claim.items):
        places = [at for at, one in enumerate(claim.items) if one.code == code]
        whole = sum(line.amount for line in made.lines if line.item == code and line.payer == payer)
        weights = [claim.items[at].amount for at in places]
        for at, part in zip(places, portions(whole, weights), strict=True):
            found[at] = part
    return found


def portions(whole: int, weights: Sequence[int]) -> list[int]:
    """A whole, not more than the weights together, in parts as they are to each other; fen that are left over go to the
    largest remainders, of equal ones to the first.

    >>> portions(100, [1, 1, 1000]), portions(2, [1, 1, 1]), portions(0, [])
    ([0, 0, 100], [1, 1, 0], [])
    """
    together = sum(weights)
    if not together:
        return [0] * len(weights)
    parts = [whole * one // together for one in weights]
    remainders = [whole * one % together for one in weights]
    order = sorted(range(len(weights)), key=lambda at: (-remainders[at], at))
    for at in order[: whole - sum(parts)]:
        parts[at] += 1
    return parts
