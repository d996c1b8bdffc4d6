"""What was not checked of several medicines, in few sentences: by the fact that is missing and the reason."""

from collections.abc import Iterable

from salus.assistants.suggestion import Name
from salus.assistants.treatment.screen.findings import Unchecked
from salus.assistants.treatment.screen.person import says


def summed(unchecked: Iterable[Unchecked]) -> tuple[Name, ...]:
    """One sentence for what has its fact and its reason in common, naming each medicine once; others as they are."""
    found: dict[object, list[Unchecked]] = {}
    for one in unchecked:
        found.setdefault(one.alike or (one.about, one.why), []).append(one)
    return tuple(sentence(group) for group in found.values())


def sentence(group: list[Unchecked]) -> Name:
    first = group[0]
    if first.alike is None:
        return says("open.other", about=first.about, why=first.why)
    key, slots = first.alike
    names = tuple(dict.fromkeys(name for one in group for name in one.medicines))
    return says(key, names=list_of(names), **dict(slots))


def list_of(names: tuple[Name, ...]) -> Name:
    return Name(", ".join(one.en for one in names), "、".join(one.zh for one in names))
