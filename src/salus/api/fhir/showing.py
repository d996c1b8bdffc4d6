"""`_summary` and `_elements` of what is read at an address. https://hl7.org/fhir/R4/http.html#parameters"""

from salus.api.fhir.asking import Ask
from salus.base.errors import Unsupported
from salus.records import Version
from salus.records.search.shortening import SHORT, check_elements, shortened

WAYS = ("_summary", "_elements")


def shown(version: Version, ask: Ask) -> Version:
    """The version as the client wants to see it. Raises Unsupported for another parameter, element or summary."""
    if not ask.query:
        return version
    ask.only(*WAYS)
    summary, listed = ask.option("_summary") or "false", ask.option("_elements")
    if summary not in ("false", *SHORT):
        raise Unsupported(f"_summary={summary[:40]}: say {', '.join(SHORT)} or false", path="_summary")
    if listed is None:
        return version if summary == "false" else shortened(version, SHORT[summary](version.type))
    if summary != "false":
        raise Unsupported("_summary and _elements exclude each other: give one", path="_elements")
    names = frozenset(name for name in listed.split(",") if name)
    check_elements([version.type], names)
    return shortened(version, names)
