"""Two records of one person become one. https://build.fhir.org/patient-operation-merge.html

First, in one transaction: the source is replaced by the target, which has its numbers and what was chosen of it; a
sign-in to the source leads to the target from then on, and so does whatever is written for the source. Then what
belongs to the source is moved. Whoever is killed in the middle leaves a joining that the rounds go on with.
"""

from collections.abc import Mapping

from salus.base.errors import Conflict, Invalid, Stale
from salus.privacy import Actor, Purpose
from salus.privacy.guardian import SAME
from salus.privacy.policy import check_may_join
from salus.records import Store, joined
from salus.records.desk import Desk
from salus.services import acting
from salus.services.acting import Acting, Resource, coded, current, put
from salus.services.reception.joining.contested import PERSONAL, gathered, numbers, result
from salus.services.reception.joining.kept import (
    JOINED,
    JOINING,
    PATIENT,
    STAGES,
    VERSIONS,
    Joining,
    Moved,
    begun,
    joining_of,
    moved_in,
    prove,
    staged,
)
from salus.services.reception.joining.likely import settle_joined
from salus.services.reception.joining.moving import changed, move_all, to_target

REASON = range(3, 501)  # characters
FIRST = ("Consent", "Flag", "AllergyIntolerance")
LINK = {"source": "replaced-by", "target": "replaces"}


def join(
    store: Store,
    actor: Actor,
    purpose: Purpose,
    source: str,
    target: str,
    reason: str,
    choice: Mapping[str, str] | None = None,
    seen: tuple[int, int] | None = None,
    result_patient: Resource | None = None,
) -> Joining:
    """Join the Patient with the id `source` into `target`, which stands from then on.

    `choice`: field -> "source" or "target", of where they differ (`contested.FIELDS`); `seen`: the versions of the two
    that were looked at; `result_patient`: what the target says in the end, in the place of a choice. Raises Forbidden,
    Missing, Gone, Invalid (one with itself, no reason, nothing chosen), Conflict (replaced already), Stale.
    """
    check_may_join(actor, purpose)
    check_reason(reason)
    check_two(source, target)
    house = Acting(store, actor, purpose)

    def work(desk: Desk) -> Joining:
        desk.joins = True
        return begin(desk, source, target, reason.strip(), choice or {}, seen, result_patient)

    what = f"Patient/{source[:64]} into Patient/{target[:64]}: {reason.strip()}"
    return carry_on(house, house.do("join", what, ("Patient", "Task"), work))


def check_reason(reason: str) -> None:
    if len(reason.strip()) not in REASON:
        raise Invalid(
            f"A reason has {REASON.start} to {REASON.stop - 1} characters: say how you know it", path="reason"
        )


def check_two(source: str, target: str) -> None:
    if source == target:
        raise Invalid(f"Patient/{source[:64]} is one record: name another to join it with", path="source-patient")


def check_stand(*patients: Resource) -> None:
    """Raises Conflict for one that was replaced by another; the mark says so even where a later message of another
    house has written the Patient without its link."""
    for patient in patients:
        links = [one["other"].get("reference", "") for one in patient.get("link", []) if one["type"] == LINK["source"]]
        marks = [f"Patient/{one}" for one in joined.marked_in(patient.get("meta", {}))]
        for other in [*links, *marks][:1]:
            raise Conflict(f"Patient/{patient['id']} was joined into {other} already: take that one", path="link")


def begin(
    desk: Desk,
    source: str,
    target: str,
    reason: str,
    choice: Mapping[str, str],
    seen: tuple[int, int] | None,
    result_patient: Resource | None,
) -> Joining:
    """The first transaction."""
    one, other = current(desk, f"Patient/{source}"), current(desk, f"Patient/{target}")
    check_stand(one, other)
    check_idle(desk, source)
    before = (version(one), version(other))
    if seen and seen != before:
        raise Stale("One of the two was changed since you looked: look again")
    told = result(one, other, choice) if result_patient is None else other | chosen(result_patient, target)
    written = put(desk, replaced(one, target)), put(desk, standing(other, one, told))
    desk.flush()  # whose it is from now on is asked of the tables
    versions = dict(zip(VERSIONS, (before[0], version(written[0]), before[1], version(written[1])), strict=True))
    task = put(desk, begun(source, target, reason, desk.actor.reference, desk.at, versions))
    made = joining_of(task)
    pairs = zip(written, before, strict=True)
    settle_joined(desk, source, target)
    prove(desk, made, "join", [Moved(f"Patient/{p['id']}", old, version(p), PATIENT) for p, old in pairs])
    move_first(desk, made, f"Patient/{source}")
    return made


def replaced(patient: Resource, target: str) -> Resource:
    """A Patient for whom the target stands from now on, as a guardian too."""
    rest = [one for one in patient.get("link", []) if one not in guarding(patient)]
    link = linked(patient | {"link": rest}, target, "source")
    return patient | {"active": False, "link": link, "meta": marked(patient, target)}


def standing(patient: Resource, source: Resource, told: Resource) -> Resource:
    """A Patient that stands for the source as well, and for whom that stood: it says what is told, has both's numbers,
    and is whose guardian either was. What was forbidden of any of them is forbidden of it (`privacy.guardian`)."""
    ties = [*guarding(source), *(one for one in source.get("link", []) if one["type"] == LINK["target"])]
    return told | {
        "active": True,
        "link": gathered(linked(patient, source["id"], "target"), ties),
        "identifier": numbers(source, told | {"identifier": patient.get("identifier", [])}),
    }


def guarding(patient: Resource) -> list[Resource]:
    """The links to the relations by which somebody is a guardian."""
    ties = [one for one in patient.get("link", []) if one["type"] == SAME]
    return [one for one in ties if one["other"].get("reference", "").startswith("RelatedPerson/")]


def move_first(desk: Desk, one: Joining, source: str) -> None:
    """What forbids and what warns comes over at once, before anything that it is about."""
    found = [(type, each["id"]) for type in FIRST for each in acting.found(desk, type, f"patient={source}")]
    done = changed(desk, [stood.row for each in found if (stood := desk.standing(*each))], to_target(one))
    if done.moved:
        prove(desk, one, "join", done.moved)


def check_idle(desk: Desk, source: str) -> None:
    """Raises Conflict while others are still being joined into the one that is to be replaced."""
    wanted = f"code={acting.TASKS}|join-records&focus=Patient/{source}&status=in-progress"
    if acting.found(desk, "Task", wanted):
        raise Conflict(f"Patient/{source} is being joined with another just now: wait a moment")


def chosen(told: Resource, target: str) -> Resource:
    """What a described result says of the person. Raises Invalid where it is another's."""
    if told.get("id", target) != target:
        raise Invalid(f"The result is Patient/{str(told.get('id'))[:64]}: it must be the target", path="result-patient")
    return {element: told.get(element) for element in PERSONAL}


def linked(patient: Resource, other: str, side: str) -> list[Resource]:
    return [*patient.get("link", []), {"other": {"reference": f"Patient/{other}"}, "type": LINK[side]}]


def marked(patient: Resource, target: str) -> Resource:
    meta: Resource = patient.get("meta", {})
    return meta | {"extension": [*meta.get("extension", []), joined.extension(target)]}


def version(patient: Resource) -> int:
    return int(patient["meta"]["versionId"])


def carry_on(house: Acting, one: Joining) -> Joining:
    """Move what is left of a joining that has begun, and end it."""
    left = move_all(house, one)
    found = list(moved_in(house.store, one.id))
    counts = {how: sum(each.how == how for each in found) for how in sorted({each.how for each in found} - {PATIENT})}

    def work(desk: Desk) -> Joining:
        task = current(desk, f"Task/{one.id}")
        if joining_of(task).stage != JOINING:
            return joining_of(task)
        told = [*counts.items(), ("left", len(left))]
        outputs = [{"type": coded(STAGES, name), "valueInteger": number} for name, number in told if number]
        return joining_of(put(desk, staged(task, JOINED) | {"output": outputs}))

    return house.do("join", f"Task/{one.id}", ("Task",), work)
