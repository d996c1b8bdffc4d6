"""What a pharmacist says to a prescription: let through, word for word as it was seen, or sent back with a reason."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from salus.base import clock
from salus.base.errors import Invalid, Stale
from salus.records.desk import Desk
from salus.services.acting import (
    TASKS,
    Acting,
    Resource,
    by,
    coded,
    current,
    put,
    sign,
)
from salus.services.pharmacy.reviews import (
    LET_THROUGH,
    REASONS,
    Review,
    annotation,
    check_is_review,
    digest,
    inputs,
    let_through,
    lined,
    parted,
)
from salus.services.pharmacy.rules import LONGEST, REFUSALS
from salus.services.pharmacy.states import REVIEW


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a pharmacist decides of what they have `seen` (the version of the Task). `dangers`: how many causes the
    screen told that interrupt and that no doctor has decided. `reason`: for a refusal one of REFUSALS, or words."""

    accepted: bool
    seen: int
    orders: Mapping[str, str]  # order -> digest of what was seen of it
    dangers: int = 0
    reason: str = ""
    words: str = ""
    advice: str = ""

    def check(self) -> None:
        """Raises Invalid for a refusal without a reason, and for a dangerous prescription accepted without one."""
        if max(len(self.words), len(self.advice)) > LONGEST:
            raise Invalid(f"A reason or an advice has at most {LONGEST} characters: shorten it", path="words")
        if self.accepted and self.dangers and not self.words:
            raise Invalid(
                f"The screen found {self.dangers} grave cause(s) that the doctor has not decided: say why it is "
                "accepted all the same, or refuse it",
                path="words",
            )
        if not self.accepted and self.reason not in REFUSALS:
            raise Invalid(f"'{self.reason}' is no reason: one of {', '.join(REFUSALS)}", path="reason")
        if not self.accepted and self.reason == "other" and not self.words:
            raise Invalid("Say in words why it is refused", path="words")


def seen(found: Review) -> dict[str, str]:
    """Order -> digest, of what is to be decided."""
    return {f"MedicationRequest/{one['id']}": digest(one) for one in found.pending}


def decide(acting: Acting, id: str, verdict: Verdict) -> Resource:
    """Let through or send back what was seen, in one transaction with the orders. The Task afterwards.

    Raises Invalid, Conflict (it was decided already), Stale (the doctor changed something since), Forbidden.
    """
    verdict.check()

    def work(desk: Desk) -> Resource:
        task = current(desk, f"Task/{id}")
        check_is_review(task)
        verb = "accept" if verdict.accepted else "refuse"
        status = REVIEW.after(verb, task["status"], f"Task/{id}")
        found = parted(task, desk.current("Task", id).version, [current(desk, one) for one in inputs(task)])
        if seen(found) != dict(verdict.orders) or found.version != verdict.seen:
            raise Stale("The prescription was changed after you opened it: look at it again", path="prescription")
        decided = DECIDED[verb](desk, task, found, verdict) | {"status": status, "owner": by(desk)}
        sign(desk, verb, [f"Task/{id}", *verdict.orders], verdict.words or verdict.reason)
        return put(desk, decided | {"lastModified": clock.instant(desk.at)})

    return acting.do("review", f"Task/{id}", ("Task", "MedicationRequest"), work)


def accepted(desk: Desk, task: Resource, found: Review, verdict: Verdict) -> Resource:
    """What it says now is let through; what was let through before stays so while it says the same."""
    through = {**let_through(task), **verdict.orders}
    kind = "accepted-with-advice" if verdict.advice else "accepted"
    said = [annotation(desk, text) for text in (verdict.words, verdict.advice) if text]
    output = [lined(LET_THROUGH, {"valueString": f"{one} {digest}"}) for one, digest in through.items()]
    return task | {
        "output": output,
        "businessStatus": coded(TASKS, kind, verdict.advice),
        "note": [*task.get("note", []), *said],
    }


def sent_back(desk: Desk, task: Resource, found: Review, verdict: Verdict) -> Resource:
    """The orders wait for the doctor, who is told why."""
    why = coded(REASONS, verdict.reason, verdict.words)
    for one in found.pending:
        put(desk, one | {"status": "on-hold", "statusReason": why})
    said = f"{verdict.reason}: {verdict.words}".rstrip(": ")
    return task | {
        "statusReason": why,
        "businessStatus": coded(TASKS, "refused"),
        "note": [*task.get("note", []), annotation(desk, said)],
    }


Decide = Callable[[Desk, Resource, Review, Verdict], Resource]
DECIDED: dict[str, Decide] = {"accept": accepted, "refuse": sent_back}
