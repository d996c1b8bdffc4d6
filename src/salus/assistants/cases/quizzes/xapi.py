"""The log of what was learned as xAPI statements, for a register of continuing education.

https://github.com/adlnet/xAPI-Spec/blob/master/xAPI-Data.md (1.0.3)
"""

from collections.abc import Iterable
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from salus.assistants.cases.quizzes.progress import Done
from salus.assistants.resources import BASE
from salus.base import clock

COMPLETED = {"id": "http://adlnet.gov/expapi/verbs/completed", "display": {"en": "completed", "zh": "完成"}}
KIND = "http://adlnet.gov/expapi/activities/assessment"


def statements(done: Iterable[Done]) -> list[dict[str, Any]]:
    """One statement a finished sitting; the same sitting always has the same id."""
    return [statement(one) for one in done]


def statement(one: Done) -> dict[str, Any]:
    script, sitting = one.script, one.sitting
    return {
        "id": str(uuid5(NAMESPACE_URL, f"{BASE}/sitting/{sitting.id}")),
        "actor": {"objectType": "Agent", "account": {"homePage": BASE, "name": sitting.learner}},
        "verb": COMPLETED,
        "object": {
            "objectType": "Activity",
            "id": f"{BASE}/Questionnaire/quiz-{script.id}",
            "definition": {"type": KIND, "name": {"en": script.title.en, "zh": script.title.zh}},
        },
        "result": {
            "score": {"scaled": round(one.marks.total, 4)},
            "success": one.marks.right,
            "completion": True,
            "duration": duration((sitting.ended - sitting.began).total_seconds()),
        },
        "timestamp": clock.instant(sitting.ended),
    }


def duration(seconds: float) -> str:
    """ISO 8601.

    >>> duration(754.2)
    'PT12M34S'
    """
    minutes, rest = divmod(int(seconds), 60)
    return f"PT{minutes}M{rest}S"
