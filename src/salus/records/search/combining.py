"""Conditions joined by and, or, not, as one condition.

What needs bodies is settled first, within what a search may open: its rows take its place.
"""

from salus.records.search.chaining import MANY, checked
from salus.records.search.setting import Setting, numbers
from salus.records.search.shelf import Arguments, Match


def joined(setting: Setting, type: str, word: str, matches: list[Match]) -> Match:
    """One match of several on a type, by the word between them."""
    if len(matches) == 1 and word != "not":
        return matches[0]
    return JOINTS[word](setting, type, [match if word == "and" else settled(setting, type, match) for match in matches])


def settled(setting: Setting, type: str, match: Match) -> Match:
    """The same without a check. Raises Unsupported where it would open too many bodies."""
    if not match.check:
        return match
    found = numbers(sorted(checked(setting, type, match, MANY)))
    condition = f"r.row IN ({found})"
    return Match(f"SELECT row FROM resource WHERE row IN ({found})", condition, [], probe=condition)


def every(setting: Setting, type: str, matches: list[Match]) -> Match:
    """By the rarest that can drive; the checks of all remain."""
    ordered = sorted(matches, key=lambda match: setting.common + 1 if match.negated else setting.rarity(match))
    first, *others = ordered
    asked = " AND ".join(match.condition for match in ordered)
    probes = [match.probe for match in ordered if match.probe]
    rest = "".join(f" AND {match.probe or match.condition}" for match in others)
    start = (
        standing(setting, type, asked)
        if first.negated
        else f"SELECT r.row FROM resource r WHERE r.row IN ({first.rows}){rest}"
    )
    checks = [match.check for match in ordered if match.check]
    return Match(
        start,
        f"({asked})",
        given(ordered),
        negated=first.negated,
        probe=f"({' AND '.join(probes)})" if len(probes) == len(ordered) else None,
        check=(lambda candidate: all(check(candidate) for check in checks)) if checks else None,
    )


def some(setting: Setting, type: str, matches: list[Match]) -> Match:
    asked = " OR ".join(match.condition for match in matches)
    probes = [match.probe for match in matches if match.probe]
    negated = any(match.negated for match in matches)
    rows = standing(setting, type, f"({asked})") if negated else " UNION ".join(match.rows for match in matches)
    probe = f"({' OR '.join(probes)})" if len(probes) == len(matches) else None
    return Match(rows, f"({asked})", given(matches), negated=negated, probe=probe)


def none(setting: Setting, type: str, matches: list[Match]) -> Match:
    (match,) = matches
    asked = f"NOT ({match.condition})"
    probe = f"NOT ({match.probe})" if match.probe else None
    return Match(standing(setting, type, asked), asked, match.arguments, negated=True, probe=probe)


def standing(setting: Setting, type: str, asked: str) -> str:
    return f"SELECT r.row FROM resource r WHERE r.type={setting.kinds.numbers[type]} AND {asked}"


def given(matches: list[Match]) -> Arguments:
    return [argument for match in matches for argument in match.arguments]


JOINTS = {"and": every, "or": some, "not": none}
