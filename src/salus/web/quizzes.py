"""Cases as quizzes: choose one, go through it step by step, see the marks and the expert's path, be asked again."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from salus.assistants.cases.quizzes.classroom import Classroom
from salus.assistants.cases.quizzes.marks import WEIGHTS, Marks, marks, missed
from salus.assistants.cases.quizzes.progress import Done, difficulty, finished
from salus.assistants.cases.quizzes.review import RATINGS, Due
from salus.assistants.cases.quizzes.script import Script, Stop
from salus.assistants.cases.quizzes.sitting import MOST, Guess, Sitting, Turn, choices
from salus.assistants.cases.quizzes.vocabulary import Vocabulary
from salus.base import clock
from salus.base.errors import Conflict, Invalid
from salus.privacy import Role
from salus.web.visit import Visit

HARD = 0.5  # logits from the middle before a case is called easy or hard


@dataclass(frozen=True, slots=True)
class Row:
    """A case in the list: what I made of it, and how hard learners found it (None: too few answers to tell)."""

    script: Script
    running: Sitting | None
    best: Marks | None
    taken: int
    hardness: str | None


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that was opened: its words, my list once it was known, and where the expert stood."""

    key: str
    title: str
    says: str
    turn: Turn | None
    stop: Stop | None


def classroom(visit: Visit) -> Classroom:
    return Classroom(visit.desk.store, visit.who.actor)


def listing(visit: Visit) -> Response:
    """The cases: those that run first, then the new ones, then those that are done."""
    room = classroom(visit)
    mine = room.sittings()
    done = finished(mine, room.scripts)
    hardness = difficulty(finished(room.of_everyone(), room.scripts))
    rows = [row(script, mine, done, hardness) for script in room.scripts.values()]
    rows.sort(key=lambda one: (one.running is None, one.taken > 0, one.script.title.in_(visit.language)))
    kept = room.scripts.get(visit.query.get("kept", ""))
    teaches, sees_all = visit.who.actor.role is Role.CLINICIAN, visit.who.actor.role is Role.ADMINISTRATOR
    return visit.page("quizzes.html", rows=rows, due=len(due(room)), kept=kept, teaches=teaches, sees_all=sees_all)


def row(script: Script, mine: list[Sitting], done: list[Done], hardness: dict[str, tuple[float, float]]) -> Row:
    running = [one for one in mine if one.case == script.id and not one.finished and one.version == script.version]
    own = [one.marks for one in done if one.script.id == script.id]
    best = max(own, key=lambda one: one.total, default=None)
    return Row(script, running[-1] if running else None, best, len(own), worded(*hardness.get(script.id, (0.0, 9.0))))


def worded(hard: float, error: float) -> str | None:
    """Easy, middling or hard, where the estimate is sharp enough to say so.

    >>> worded(1.4, 0.4), worded(0.1, 0.4), worded(0.1, 1.2)
    ('hard', 'middling', None)
    """
    if error > 2 * HARD:
        return None
    return "hard" if hard > HARD else "easy" if hard < -HARD else "middling"


def due(room: Classroom) -> list[Due]:
    return [one for one in room.cards() if one.at <= clock.now()]


def begin(visit: Visit) -> Response:
    """Go on with the sitting that runs, or begin a new one."""
    return visit.go(f"/quizzes/sittings/{classroom(visit).begin(visit.path['case']).id}")


def sit(visit: Visit) -> Response:
    """The case as far as it is opened; at its end the marks."""
    room = classroom(visit)
    sitting, script = room.mine(visit.path["id"])
    return shown(visit, room, sitting, script)


def shown(visit: Visit, room: Classroom, sitting: Sitting, script: Script, fault: str = "") -> Response:
    vocabulary = Vocabulary(room.scripts)
    step, tests = choices(sitting, script)
    context: dict[str, Any] = {
        "sitting": sitting,
        "script": script,
        "seen": [seen(visit, script, sitting, at) for at in range(len(sitting.opened))],
        "name": lambda code: vocabulary.name(code, visit.language),
    }
    if sitting.finished:
        found = marks(sitting, script)
        context |= {
            "marks": found,
            "parts": WEIGHTS,
            "concepts": missed(script, found),
            "spared": spared(script, sitting),
        }
        return visit.page("quiz_result.html", **context)
    context |= {"step": step, "tests": tests, "most": MOST, "fault": fault, "names": vocabulary.names(visit.language)}
    context["written"] = written(visit, sitting, vocabulary)
    return visit.page("quiz.html", 422 if fault else 200, **context)


def seen(visit: Visit, script: Script, sitting: Sitting, at: int) -> Seen:
    key = sitting.opened[at]
    test, says = script.test(key), script.says(key)
    return Seen(
        key=key,
        title=test.name.in_(visit.language) if test else visit.say(f"quiz.{key}"),
        says=says.in_(visit.language) if says else "",
        turn=sitting.turns[at] if at < len(sitting.turns) else None,
        stop=script.stop(key),
    )


def spared(script: Script, sitting: Sitting) -> list[str]:
    """The ids of needed tests that were not ordered."""
    return [one.id for one in script.tests if one.needed and one.id not in sitting.opened]


def written(visit: Visit, sitting: Sitting, vocabulary: Vocabulary) -> list[tuple[str, str]]:
    """What stands in the form: what was just sent, else the list of the turn before, to be changed."""
    if visit.form:
        return [(visit.form.get(f"name-{at}", ""), visit.form.get(f"sure-{at}", "")) for at in range(1, MOST + 1)]
    before = sitting.turns[-1].guesses if sitting.turns else ()
    rows = [(vocabulary.name(one.code, visit.language), str(one.confidence)) for one in before]
    return rows + [("", "")] * (MOST - len(rows))


def take(visit: Visit) -> Response:
    """My list and what to open next; a list that cannot be comes back with the reason."""
    room = classroom(visit)
    sitting, script = room.mine(visit.path["id"])
    try:
        room.take(sitting.id, guesses(visit, Vocabulary(room.scripts)), visit.form.get("then", ""))
    except Conflict:
        pass  # it ended in another window: show how
    except Invalid as error:
        return shown(visit, room, sitting, script, why(visit, error))
    return visit.go(f"/quizzes/sittings/{sitting.id}#now")


def why(visit: Visit, error: Invalid) -> str:
    """The fault in the reader's language."""
    key = f"quiz.wrong.{error.issues[0].path}"
    return visit.say(key)


def guesses(visit: Visit, vocabulary: Vocabulary) -> tuple[Guess, ...]:
    """The rows of the form that are filled in. Raises Invalid for an unknown name or a confidence that is no number."""
    rows = [(visit.form.get(f"name-{at}", ""), visit.form.get(f"sure-{at}", "")) for at in range(1, MOST + 1)]
    return tuple(Guess(vocabulary.code(name), sure_of(sure)) for name, sure in rows if name)


def sure_of(text: str) -> int:
    """Percent. Raises Invalid.

    >>> sure_of("70 %"), sure_of("")
    (70, 0)
    """
    digits = text.replace("%", "").strip() or "0"
    if not (digits.isascii() and digits.isdigit() and len(digits) < 4):
        raise Invalid(f"'{text}' is no confidence: a whole number from 0 to 100", path="confidence")
    return int(digits)


def review(visit: Visit) -> Response:
    """The card that is due the longest; what is due later is told."""
    room = classroom(visit)
    waiting, every = due(room), room.cards()
    later = next((one.at for one in every if one.at > clock.now()), None)
    context = {"card": waiting[0] if waiting else None, "left": len(waiting), "every": len(every), "later": later}
    return visit.page("quiz_review.html", ratings=RATINGS, **context)


def rate(visit: Visit) -> Response:
    classroom(visit).review(visit.form.get("case", ""), visit.form.get("concept", ""), visit.form.get("rating", ""))
    return visit.go("/quizzes/review")
