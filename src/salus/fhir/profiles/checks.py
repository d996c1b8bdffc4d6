"""A resource against a profile: every rule at every place, each fault with its path and what to do.

https://hl7.org/fhir/R4/validation.html
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from salus.base.errors import Invalid, Issue, Missing, SalusError
from salus.fhir import definitions as r4
from salus.fhir.fhirpath import by_type, near, resource
from salus.fhir.fhirpath.nodes import Json, kinds
from salus.fhir.places import Place, named
from salus.fhir.profiles import slices
from salus.fhir.profiles.bindings import ValueSets, codings
from salus.fhir.profiles.elements import core_type
from salus.fhir.profiles.rules import Rule, Slicing
from salus.fhir.profiles.values import meets, within
from salus.fhir.verdicts import cut, shown

if TYPE_CHECKING:
    from salus.fhir.profiles import Profiles

MOST = 150_000  # rules looked at in one validation
DEEPEST = 12  # profiles within profiles
Issues = Iterator[Issue]
Resolve = Callable[[str], Json | None]


class Check:
    """One validation: the profiles, what it has found out, and how much work is left."""

    def __init__(self, profiles: "Profiles", resolve: Resolve | None = None) -> None:
        self.profiles = profiles
        self.value_sets = ValueSets(profiles.terms)
        self._resolve = resolve
        self._left = MOST
        self._conforms: dict[tuple[str, int], bool | None] = {}
        self._within: list[str] = []
        self._kept: list[object] = []  # what `_conforms` knows by its identity must live as long

    def resolve(self, reference: str) -> Json | None:
        """The resource at a literal reference that is not inside this one, or None."""
        return self._resolve(reference) if self._resolve else None

    def named(self, reference: str) -> Json | None:
        """As `resolve`, or else a stand-in of the type that the reference names."""
        return self.resolve(reference) or by_type(reference)

    def parts(self, place: Place, name: str) -> list[Place]:
        return named(place, name)

    def conforms(self, url: str, place: Place) -> bool | None:
        """Whether a value meets a profile (or is of R4's type); None where that is not held, or runs in a circle."""
        if core := core_type(url):
            return core in kinds(place.node.kind)
        key = (url, id(place.node.value))
        if key not in self._conforms:
            self._conforms[key] = None
            self._kept.append(place.node.value)
            try:
                found = self.profile(url, place)
                self._conforms[key] = not any(issue.severity == "error" for issue in found)
            except (Missing, Invalid):
                pass
        return self._conforms[key]

    def profile(self, url: str, place: Place) -> Issues:
        """The issues of a value under a profile. Raises Missing for one that is not held, Invalid for no profile."""
        rule = self.profiles.rule(url)
        if len(self._within) >= DEEPEST:
            return
        self._within.append(url)
        try:
            wanted = self.profiles.type_of(url) or ""
            if wanted not in kinds(place.node.kind):
                text = f"{place.path} is of type {place.node.kind}, and the profile {url[:200]} is of {wanted}"
                yield Issue("structure", place.path, f"{text}: name another profile")
                return
            yield from self.element(rule, place)
        finally:
            self._within.pop()

    def spend(self) -> None:
        """Count a look. Raises Invalid when there were too many."""
        self._left -= 1
        if self._left < 0:
            raise Invalid(f"The profiles ask for more than {MOST:,} looks: validate a smaller resource")

    @property
    def of(self) -> str:
        return f" (profile {self._within[-1].rpartition('/')[2][:80]})" if self._within else ""

    def element(self, rule: Rule, place: Place) -> Issues:
        """What is wrong with one value, and below it."""
        self.spend()
        for look in (self.value, self.kind, self.target, self.binding, self.invariants):
            yield from look(rule, place)
        for name, child in rule.children.items():
            found = named(place, name)
            yield from self.counted(child, found, f"{place.path}.{name}")
            for part in found:
                yield from self.element(child, part)
            yield from self.sliced(child, found, f"{place.path}.{name}")

    def counted(self, rule: Rule, found: list[Place], path: str, slice: str = "", unsure: bool = False) -> Issues:
        """How often something stands there, in all or of one slice."""
        what = f"the slice {slice} of {path}" if slice else path
        if len(found) < rule.least:
            given = f"is given {len(found)} times of {rule.least} at least" if found else "is missing"
            text = f"{what} {given}: add it{self.of}"
            yield Issue("required", path, text, "warning" if unsure else "error")
        if len(found) > rule.most:
            do = "leave it out" if rule.most == 0 else f"keep {rule.most}"
            text = f"{what} is given {len(found)} times of {rule.most} at most: {do}{self.of}"
            yield Issue("structure", found[int(rule.most)].path, text)

    def sliced(self, rule: Rule, found: list[Place], path: str) -> Issues:
        """Which items are of which slice, and what each slice says of its own."""
        if not rule.slices:
            return
        slicing = slices.slicing_of(rule)
        order, unsure = self.sorted(rule, slicing, found)
        for number, (name, slice) in enumerate(rule.slices.items()):
            mine = [item for item in found if order.get(id(item)) == number]
            yield from self.counted(slice, mine, path, name, unsure)
            for item in mine:
                yield from self.element(slice, item)
            yield from self.sliced(slice, mine, path)
        places = [order.get(id(item)) for item in found]
        if slicing.ordered and (known := [place for place in places if place is not None]) != sorted(known):
            yield Issue("structure", path, f"{path}: the slices stand in another order than they must{self.of}")
        if slicing.rules != "open" and not unsure:
            yield from self.outside(slicing.rules, list(zip(found, places, strict=True)))

    def sorted(self, rule: Rule, slicing: Slicing, found: list[Place]) -> tuple[dict[int, int], bool]:
        """The number of the slice that each item (by its identity) is of; and whether that cannot be told of some."""
        order: dict[int, int] = {}
        unsure = False
        for item in found:
            answers = [slices.belongs(self, slicing, slice, item) for slice in rule.slices.values()]
            if True in answers:
                order[id(item)] = answers.index(True)
            unsure = unsure or (True not in answers and None in answers)
        return order, unsure

    def outside(self, rules: str, found: list[tuple[Place, int | None]]) -> Issues:
        """Items in no slice, where that is not free."""
        last = max((n for n, (_, number) in enumerate(found) if number is not None), default=-1)
        for n, (item, number) in enumerate(found):
            if number is None and rules == "closed":
                text = f"{item.path} is in no slice, and there may be no others: leave it out"
                yield Issue("structure", item.path, text + self.of)
            elif number is None and n < last:
                text = f"{item.path} is in no slice: put it behind those that are"
                yield Issue("structure", item.path, text + self.of)

    def value(self, rule: Rule, place: Place) -> Issues:
        """Fixed values, patterns, limits."""
        given = place.node.value
        if rule.value is not None and not meets(rule.value, given):
            wanted = cut(str(rule.value.wanted)) if isinstance(rule.value.wanted, dict) else shown(rule.value.wanted)
            do = "write exactly" if rule.value.is_fixed else "it must hold"
            yield Issue("value", place.path, f"{place.path} is {shown(given)}: {do} {wanted}{self.of}")
        for limit, bound in rule.limits:
            if not within(limit, bound, place.node):
                yield Issue("value", place.path, f"{place.path} is {shown(given)}: the {limit} is {bound}{self.of}")

    def kind(self, rule: Rule, place: Place) -> Issues:
        """The types that are allowed, and their profiles."""
        if not rule.kinds:
            return
        fitting = [kind for kind in rule.kinds if kind.code in kinds(place.node.kind)]
        if not fitting:
            allowed = " or ".join(dict.fromkeys(kind.code for kind in rule.kinds))
            yield Issue("structure", place.path, f"{place.path} is a {place.node.kind}: give {allowed}{self.of}")
            return
        urls = [url for kind in fitting for url in kind.profiles]
        if urls and all(kind.profiles for kind in fitting):
            yield from self.one_of(urls, place)

    def one_of(self, urls: list[str], place: Place) -> Issues:
        """A value must meet one of these profiles; where there is one only, what is wrong with it is told."""
        if len(urls) == 1 and self.profiles.known(urls[0]):
            yield from self.profile(urls[0], place)
        elif all(self.conforms(url, place) is False for url in urls):
            names = " or ".join(url.rpartition("/")[2] for url in urls)
            yield Issue("structure", place.path, f"{place.path} meets no profile that is allowed: {names}{self.of}")

    def target(self, rule: Rule, place: Place) -> Issues:
        """What a reference points at: its type, and its profile where the resource is at hand."""
        urls = [url for kind in rule.kinds for url in kind.targets]
        given = place.node.value.get("reference") if place.node.kind == "Reference" and urls else None
        if given is None or any(core_type(url) == "Resource" for url in urls):
            return
        body = near(given, place.root) or self.resolve(given)
        name = (body or by_type(given) or {}).get("resourceType")
        if name is None:
            return
        fitting = [url for url in urls if (core_type(url) or self.profiles.type_of(url) or name) == name]
        if not fitting:
            allowed = " or ".join(url.rpartition("/")[2] for url in urls)
            text = f"{place.path}.reference is {shown(given)} ({name}): point at {allowed}{self.of}"
            yield Issue("value", f"{place.path}.reference", text)
        elif body and all(self.conforms(url, inside(body, given, place)) is False for url in fitting):
            names = " or ".join(url.rpartition("/")[2] for url in fitting)
            text = f"{place.path}.reference is {shown(given)}, which does not meet {names}: mend it"
            yield Issue("value", f"{place.path}.reference", text + self.of)

    def binding(self, rule: Rule, place: Place) -> Issues:
        """A code must come from the value set; without one that may be told, text alone is enough for an extensible."""
        told = codings(place.node) if rule.binding else None
        if rule.binding is None or told is None or place.node.value is None:
            return
        strength, url = rule.binding
        bound = r4.binding(place.element)
        if bound is not None and bound.value_set == url.partition("|")[0]:
            return  # R4 says so too, and was asked before
        if not told and strength == "extensible":
            return
        answers = [self.value_sets.holds(url, coding) for coding in told]
        if True in answers:
            return
        name = url.partition("|")[0]
        if None in answers:
            text = f"{place.path}: whether it is in {name} cannot be told here: load it and its code systems"
            yield Issue("not-found", place.path, text + self.of, "information")
            return
        given = " and ".join(f"{system}|{code}" if system else str(code) for system, code in told) or "not coded"
        text = f"{place.path} is {shown(given)}, not in {name}: write one of its codes{self.of}"
        yield Issue("code-invalid", place.path, text, "error" if strength == "required" else "warning")

    def invariants(self, rule: Rule, place: Place) -> Issues:
        for one in rule.invariants:
            fault, holds = one.fault, None
            if one.expression is not None:
                try:
                    holds = one.expression.holds(place.node, whole=place.whole, root=place.root, resolve=self.named)
                except SalusError as error:
                    fault = str(error)
            if fault:
                text = f"{place.path}: {one.rule.key} could not be looked at: {fault}{self.of}"
                yield Issue("processing", place.path, text, "information")
            elif holds is False or (holds is None and one.rule.severity == "error"):
                text = f"{place.path} breaks {one.rule.key}: {one.rule.text}{self.of}"
                yield Issue("invariant", place.path, text, one.rule.severity)


def inside(body: Json, reference: str, place: Place) -> Place:
    """The resource that a reference names, as a place."""
    node = resource(body)
    return Place(node, node.kind, node.kind, node, place.root if reference[0] == "#" else node)


def absent(rule: Rule, place: Place) -> Iterator[str]:
    """What a profile says must be supported, and is not there."""
    for name, child in rule.children.items():
        found = named(place, name)
        if child.must_support and not found:
            yield f"{place.path}.{name}"
        for part in found:
            yield from absent(child, part)
