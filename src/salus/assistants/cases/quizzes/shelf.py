"""Which cases there are: those shipped, and those that teachers of this house wrote, kept as Library records.

A case of the same id takes the place of the one shipped. https://hl7.org/fhir/R4/library.html
"""

from base64 import b64decode, b64encode
from functools import cache
from importlib.resources import files
from typing import Any

from salus.assistants.answers import every
from salus.assistants.cases.quizzes.checking import script_of
from salus.assistants.cases.quizzes.script import Script, encoded
from salus.assistants.resources import BASE
from salus.base.errors import Missing, SalusError
from salus.records import Records

SYSTEM = "https://salus.example/quizzes"
YAML = "application/yaml"


@cache
def shipped() -> dict[str, Script]:
    """The cases composed for Salus, by id."""
    folder = files("salus.assistants.cases.quizzes") / "authored"
    found = [script_of(one.read_text("utf-8")) for one in folder.iterdir() if one.name.endswith(".yaml")]
    return {one.id: one for one in sorted(found, key=lambda one: one.id)}


def scripts(records: Records) -> dict[str, Script]:
    """Every case that may be taken, by id. One that no longer reads is left out: its author sees why when editing."""
    own = {}
    for told in every(records, "Library", [("identifier", f"{SYSTEM}|"), ("status", "active"), ("_count", "200")]):
        try:
            script = script_of(text_of(told))
        except SalusError:
            continue
        own[script.id] = script
    return shipped() | own


def the_script(records: Records, id: str) -> Script:
    """Raises Missing, naming those that there are."""
    found = scripts(records)
    if id not in found:
        raise Missing(f"There is no case '{id}': there are {', '.join(found)}", path="case")
    return found[id]


def source(records: Records, id: str) -> str:
    """The YAML of a case, to change it."""
    try:
        return text_of(records.read("Library", library_id(id)).json())
    except SalusError:
        return encoded(the_script(records, id))


def keep(records: Records, text: str) -> Script:
    """Publish a teacher's case; again under the same id puts it in place of the earlier, which history keeps.

    Raises Invalid with every fault of the case.
    """
    script = script_of(text)
    records.update("Library", library_id(script.id), library(script, text, "active"))
    return script


def withdraw(records: Records, id: str) -> None:
    """Take a teacher's case out of the list; a shipped one of that id stands again. Raises Missing."""
    held = records.read("Library", library_id(id))
    records.update("Library", held.id, held.json() | {"status": "retired"}, if_match=held.version)


def library_id(id: str) -> str:
    return f"quiz-{id}"


def text_of(told: dict[str, Any]) -> str:
    return b64decode(told["content"][0]["data"]).decode()


def library(script: Script, text: str, status: str) -> dict[str, Any]:
    kind = {"system": "http://terminology.hl7.org/CodeSystem/library-type", "code": "asset-collection"}
    return {
        "resourceType": "Library",
        "id": library_id(script.id),
        "url": f"{BASE}/Library/{library_id(script.id)}",
        "identifier": [{"system": SYSTEM, "value": script.id}],
        "version": str(script.version),
        "title": script.title.en,
        "status": status,
        "type": {"coding": [kind]},
        "content": [{"contentType": YAML, "data": b64encode(text.encode()).decode()}],
    }
