"""What the words of a sentence say of the mentions in it: denied, unsure, past, only if, whose.

After ConText, but for lists: a denial goes over a comma only to what looks like the next item of its list.
"""

from collections.abc import Iterator, Sequence

from salus.assistants.cases.notes.pieces import Piece
from salus.assistants.cases.notes.rules import STOPS, Rule, Rules, rules
from salus.assistants.cases.notes.trie import Found

COMMAS = frozenset(",，")
LONGEST_UNKNOWN = 3  # pieces of an item of a list that holds no mention we know
LEAD = 2  # pieces before a mention in an item of a list, such as "recent"
SILENT = frozenset({"nothing", "end", "tail", "now", "self", "full"})  # they only stop others
Span = tuple[int, int]  # first piece, the piece after the last
Says = frozenset[str]
NONE: Says = frozenset()


def told(pieces: Sequence[Piece], spans: Sequence[Span], begin: int, end: int) -> list[Says]:
    """What is said of each span (ordered, apart) of the pieces from `begin` to `end`: what rules mean, such as
    `denied`."""
    phrases = rules().phrases
    hits: list[Found[list[Rule]]] = []
    at = begin
    for first, after in (*spans, (end, end)):
        hits.extend(phrases.scan(pieces, at, first))
        at = after
    return Sentence(pieces, spans, hits, begin, end).told() if hits else [NONE] * len(spans)


class Sentence:
    def __init__(
        self, pieces: Sequence[Piece], spans: Sequence[Span], hits: list[Found[list[Rule]]], begin: int, end: int
    ) -> None:
        self.pieces, self.spans, self.hits, self.end = pieces, spans, hits, end
        self.rules: Rules = rules()
        self.stops = [(first, after, STOPS[found[0].means]) for first, after, found in hits if found[0].means in STOPS]
        self.tails = {first for first, _, found in hits if found[0].means == "tail"}
        inside = {at for first, after in spans for at in range(first, after)}
        self.commas = [at for at in range(begin, end) if pieces[at].form in COMMAS and at not in inside]
        self.begin = begin

    def told(self) -> list[Says]:
        says: list[set[str]] = [set() for _ in self.spans]
        for first, after, found in self.hits:
            side = ""  # to which the first rule looked that reached something
            for rule in found:
                reached = self._reached(rule, first, after) if side in ("", rule.about) else []
                side = rule.about if reached else side
                for i in reached:
                    says[i].add(rule.means)
        return [frozenset(one) if one else NONE for one in says]

    def _reached(self, rule: Rule, first: int, after: int) -> list[int]:
        """The spans that a phrase speaks of."""
        if rule.means in SILENT:
            return []
        if rule.means in ("family", "other") and after < self.end and self.pieces[after].form in self.rules.speech:
            return []
        reached: list[int] = []
        if rule.about != "last":
            low, high = after, self._stop_after(rule, after)
            reached += [i for i in self._between(low, high) if self._near(rule, after, self.spans[i][0])]
        if rule.about != "next":
            low = self._stop_before(rule, first)
            near = (i for i in self._between(low, first) if self._near(rule, self.spans[i][1], first))
            reached += near
        return reached

    def _between(self, low: int, high: int) -> list[int]:
        return [i for i, (first, after) in enumerate(self.spans) if low <= first and after <= high]

    def _near(self, rule: Rule, after: int, first: int) -> bool:
        return not isinstance(rule.reach, int) or first - after <= rule.reach

    def _stop_after(self, rule: Rule, after: int) -> int:
        """The piece before which a phrase that ended at `after` stops to reach."""
        stop = next((at for at, _, stopped in self.stops if at >= after and rule.means in stopped), self.end)
        if rule.reach == "clause":
            return stop
        commas = [at for at in self.commas if after <= at < stop]
        if rule.reach == "list":
            return self._end_of_list(after, commas, stop)
        return commas[0] if commas else stop

    def _end_of_list(self, after: int, commas: list[int], stop: int) -> int:
        """Over commas as far as items of one list go: bare ones, or all up to an `or`."""
        parts = list(zip([after, *(at + 1 for at in commas)], [*commas, stop], strict=True))
        last = max((n for n, part in enumerate(parts) if n and self._goes_on(*part)), default=0)
        for n, part in enumerate(parts[1:], start=1):
            if n > last and not self._bare(*part):
                return part[0] - 1
        return stop

    def _goes_on(self, low: int, high: int) -> bool:
        """Whether a part says that the list reaches to here: `..., or bleeding from the gums`."""
        inner = [at for at in range(low, high) if self.pieces[at].form in self.rules.goes_on]
        return bool(inner) and bool(self._between(low, high)) and self.pieces[low].form not in self.rules.asserts

    def _bare(self, low: int, high: int) -> bool:
        """Whether a part is an item of a list and no more."""
        spans = [self.spans[i] for i in self._between(low, high)]
        forms = [self.pieces[at].form for at in range(low, high)]
        if not spans:
            return len(forms) <= LONGEST_UNKNOWN and not self.rules.asserts.intersection(forms)
        lead = [form for form in forms[: spans[0][0] - low] if form not in self.rules.join]
        covered = sum(after - first for first, after in spans)
        joined = sum(form in self.rules.join for form in forms)
        rest = len(forms) - covered - joined - len(lead)
        told = not self.rules.asserts.intersection(lead) and all(form.isascii() for form in lead)
        return len(lead) <= LEAD and rest <= 0 and told and high not in self.tails

    def _stop_before(self, rule: Rule, first: int) -> int:
        """The piece from which a phrase that begins at `first` reaches."""
        stops = (after for _, after, stopped in reversed(self.stops) if after <= first and rule.means in stopped)
        stop = next(stops, self.begin)
        if rule.reach == "clause":
            return stop
        return next((at + 1 for at in reversed(self.commas) if stop <= at < first), stop)


def parts(told: Says) -> Iterator[str]:
    """What is left of what was said: a denial of a change denies nothing; what is thought unlikely is denied."""
    if "denied" in told and "stays" not in told:
        yield "denied"
    elif "unsure" in told:
        yield "unsure"
    yield from told - {"denied", "unsure", "stays"}
