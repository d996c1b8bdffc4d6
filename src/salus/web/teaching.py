"""What a learner, a supervisor and a teacher see: change over time, the group, writing a case with a live check."""

from dataclasses import replace

import orjson
from starlette.responses import Response

from salus.assistants.cases.quizzes import progress, shelf, xapi
from salus.assistants.cases.quizzes.checking import checked
from salus.assistants.cases.quizzes.drafting import drafted
from salus.assistants.cases.quizzes.script import encoded
from salus.base.errors import Forbidden, Invalid
from salus.privacy import Role
from salus.ui.charts import Bin, Point
from salus.web.cases import library
from salus.web.quizzes import classroom
from salus.web.visit import Visit

BLANK = "tearing-chest-pain"  # the case that an empty page begins with, as a pattern


def mine(visit: Visit) -> Response:
    """My marks over time and whether my confidence is earned."""
    room = classroom(visit)
    done = progress.finished(room.sittings(), room.scripts)
    return visit.page(
        "quiz_progress.html",
        done=list(reversed(done)),
        bands=(bands := progress.bands(done)),
        bins=[Bin(one.sure, one.right, one.count) for one in bands],
        points=[Point(one.sitting.ended, round(100 * one.marks.total)) for one in done],
        change=progress.change(done),
        enough=progress.ENOUGH,
    )


def log(visit: Visit) -> Response:
    """My log as xAPI statements, a file."""
    room = classroom(visit)
    told = xapi.statements(progress.finished(room.sittings(), room.scripts))
    headers = {"Content-Disposition": 'attachment; filename="xapi.json"'}
    return Response(orjson.dumps(told, option=orjson.OPT_INDENT_2), media_type="application/json", headers=headers)


def group(visit: Visit) -> Response:
    """Every learner and every case, for who teaches. Raises Forbidden for others."""
    check_role(visit, Role.ADMINISTRATOR)
    room = classroom(visit)
    done = progress.finished(room.of_everyone(), room.scripts)
    hard = sorted(progress.difficulty(done).items(), key=lambda one: -one[1][0])
    cases = [
        (room.scripts[id], value, error, [one for one in done if one.script.id == id]) for id, (value, error) in hard
    ]
    return visit.page("quiz_group.html", learners=progress.group(done), cases=cases, enough=progress.ENOUGH)


def write(visit: Visit) -> Response:
    """The page on which a case is written: a pattern, one to change (`case`), or one of the library (`from`)."""
    check_role(visit, Role.CLINICIAN)
    if source := visit.query.get("from", "").strip():
        held = library(visit)
        return told(visit, drafted(held.get(source), held.terms.name))
    asked = visit.query.get("case")
    text = shelf.source(classroom(visit).records, asked) if asked else encoded(shelf.shipped()[BLANK])
    return told(visit, text)


def check(visit: Visit) -> Response:
    """The faults of what is written so far; stores nothing."""
    check_role(visit, Role.CLINICIAN)
    return told(visit, visit.form.get("text", ""), part=visit.by_htmx)


def keep(visit: Visit) -> Response:
    """Publish the case, or show what is wrong with it."""
    check_role(visit, Role.CLINICIAN)
    try:
        script = shelf.keep(classroom(visit).records, visit.form.get("text", ""))
    except Invalid:
        return told(visit, visit.form.get("text", ""), 422)
    return visit.go(f"/quizzes?kept={script.id}")


def withdraw(visit: Visit) -> Response:
    """Take a teacher's case out of the list; a shipped one of that id stands again."""
    check_role(visit, Role.CLINICIAN)
    shelf.withdraw(classroom(visit).records, visit.path["case"])
    return visit.go("/quizzes")


def told(visit: Visit, text: str, status: int = 200, part: bool = False) -> Response:
    script, faults = checked(text)
    shown = [replace(one, text=visit.told(one.text)) for one in faults]
    template = "quiz_checked.html" if part else "quiz_write.html"
    return visit.page(template, status, text=text, script=script, faults=shown)


def check_role(visit: Visit, role: Role) -> None:
    """Raises Forbidden."""
    if visit.who.actor.role is not role:
        raise Forbidden(f"The role {visit.who.actor.role} has no such page: it is for the role {role}")
