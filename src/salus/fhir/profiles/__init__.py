"""Profiles: what a StructureDefinition asks of a resource beyond R4, compiled once and looked at when asked.

Knows FHIR's definitions and the terminology it is given; must not know of stores, requests or files.
https://hl7.org/fhir/R4/profiling.html
"""

from collections.abc import Callable, Iterator, Sequence

from salus.base.errors import Invalid, Issue, Missing, SalusError
from salus.codes.terminology import Terminology
from salus.fhir.definitions import definitions
from salus.fhir.fhirpath.nodes import Json
from salus.fhir.places import Place, places
from salus.fhir.profiles.checks import Check, Resolve, absent
from salus.fhir.profiles.elements import core_type, table
from salus.fhir.profiles.rules import Rule, tree
from salus.fhir.verdicts import first

KEPT = 500  # profiles compiled
LOOKED_UP = 1000  # addresses that one validation asks for
MOST = 100  # issues of each severity told at once
NAMED = 12  # elements named in advice
COMPILED: dict[int, tuple[Json, Rule]] = {}  # by the identity of a StructureDefinition, which is kept beside


class Profiles:
    """The profiles that `structures` finds by canonical address (newest first), and the terminology beside them."""

    def __init__(self, structures: Callable[[str], Sequence[Json]], terms: Terminology) -> None:
        self._structures, self.terms = structures, terms
        self._found: dict[str, Json | None] = {}

    def structure(self, url: str) -> Json | None:
        """The StructureDefinition at the address, in the version behind `|` where one is named. After `LOOKED_UP`
        addresses what is not known yet counts as not held.
        """
        if url not in self._found:
            if len(self._found) >= LOOKED_UP:
                return None
            bare, _, version = url.partition("|")
            known = self._structures(bare)
            self._found[url] = next((one for one in known if not version or one.get("version") == version), None)
        return self._found[url]

    def type_of(self, url: str) -> str | None:
        """The type that a profile is of, None where it is not held."""
        found = self.structure(url)
        return str(found["type"]) if found else None

    def rule(self, url: str) -> Rule:
        """The profile, compiled. Raises Missing where it, or its base, is not held; Invalid for what is no profile."""
        found = self.structure(url)
        if found is None:
            raise Missing(f"The profile {url[:200]} is not held here: load its package with `salus codes load`")
        known = COMPILED.get(id(found))
        return known[1] if known and known[0] is found else self._compiled(found)

    def _compiled(self, structure: Json) -> Rule:
        url = str(structure.get("url"))
        if structure.get("kind") == "logical" or core_type(url) or structure.get("type") not in definitions()["types"]:
            raise Invalid(f"{url[:200]} is no profile of an R4 type: name another")
        made = tree(table(structure, self.structure))
        if "snapshot" in structure:  # others change with what they are based on
            if len(COMPILED) >= KEPT:
                COMPILED.clear()
            COMPILED[id(structure)] = (structure, made)
        return made

    def known(self, url: str) -> Rule | None:
        """As `rule`; None where that is not to be had."""
        try:
            return self.rule(url)
        except SalusError:
            return None

    def issues(self, body: Json, named: Sequence[str] = (), resolve: Resolve | None = None) -> Iterator[Issue]:
        """What the profiles ask: those named, those that each resource claims in `meta.profile`, and its extensions.

        The body must be sound in structure, its numbers Decimals. `resolve` gives the resource of a reference or None.
        Raises Missing for a profile that is named and not held.
        """
        for url in named:
            self.rule(url)
        check = Check(self, resolve)
        found = (issue for place in places(body) for issue in self._of_place(check, place, named))
        try:
            yield from first(found, MOST)
        except Invalid as fault:
            yield from (Issue("too-costly", "", issue.text) for issue in fault.issues)

    def _of_place(self, check: Check, place: Place, named: Sequence[str]) -> Iterator[Issue]:
        if place.node.value is place.whole.value:
            claims = place.node.value.get("meta", {}).get("profile", [])
            asked = named if place.path == place.node.kind else ()
            for url in dict.fromkeys([*asked, *claims]):
                yield from self._of_profile(check, url, place)
        if place.node.kind == "Extension" and ":" in place.node.value.get("url", ""):
            yield from self._of_extension(check, place.node.value["url"], place)

    def _of_profile(self, check: Check, url: str, place: Place) -> Iterator[Issue]:
        if core_type(url) == place.node.kind:
            return
        try:
            yield from check.profile(url, place)
            lacking = list(dict.fromkeys(absent(self.rule(url), place)))
        except Missing as fault:
            yield Issue("not-found", f"{place.path}.meta.profile", f"{fault} (it was not looked at)", "warning")
            return
        if lacking:
            listed = ", ".join(lacking[:NAMED]) + (", ..." if len(lacking) > NAMED else "")
            text = f"{place.path}: {url[:200]} marks these as must-support, give them where they are known: {listed}"
            yield Issue("informational", place.path, text, "information")

    def _of_extension(self, check: Check, url: str, place: Place) -> Iterator[Issue]:
        """An extension must be what its definition says; what an unknown modifier changes nobody here can tell."""
        modifies = place.element.endswith(".modifierExtension")
        found = self.structure(url)
        if found is None:
            text = f"{place.path} is the extension {url[:200]}, which is not known here"
            more = ", and changes what the rest means: load its package" if modifies else ": load its package"
            yield Issue("extension", place.path, text + more, "warning" if modifies else "information")
            return
        if found.get("type") != "Extension":
            yield Issue(
                "extension", f"{place.path}.url", f"{place.path}.url is {url[:200]}, which is no extension: mend it"
            )
            return
        rows = (found.get("snapshot") or found.get("differential") or {}).get("element", [{}])
        if bool(rows[0].get("isModifier")) != modifies:
            wanted = "extension" if modifies else "modifierExtension"
            yield Issue("extension", place.path, f"{place.path} is {url[:200]}: give it as {wanted}")
        yield from check.profile(url, place)


__all__ = ["Profiles", "Resolve"]
