"""Sittings and reviews as records: QuestionnaireResponses of the learner. https://hl7.org/fhir/R4/questionnaireresponse.html"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from salus.assistants.answers import every
from salus.assistants.cases.quizzes.review import Review
from salus.assistants.cases.quizzes.sitting import Guess, Sitting, Turn
from salus.assistants.resources import BASE
from salus.base import clock
from salus.codes.tables import ICD10
from salus.records import Records

Resource = dict[str, Any]
TYPE = "QuestionnaireResponse"
SITTINGS, REVIEWS = "https://salus.example/quiz-sitting", "https://salus.example/quiz-review"
QUIZ, CARD = f"{BASE}/Questionnaire/quiz-", f"{BASE}/Questionnaire/card-"


def item(name: str, **answer: Any) -> Resource:
    return {"linkId": name, "answer": [answer]}


def items(name: str, inside: list[Resource]) -> Resource:
    return {"linkId": name, "item": inside}


def answers(told: Mapping[str, Any]) -> dict[str, Any]:
    """The only answer of each item inside, by its name."""
    return {one["linkId"]: next(iter(one["answer"][0].values())) for one in told["item"] if "answer" in one}


def frame(id: str, system: str, questionnaire: str, learner: str, at: datetime) -> Resource:
    person = {"author": {"reference": learner}, "source": {"reference": learner}} if "/" in learner else {}
    return {
        "resourceType": TYPE,
        "id": id,
        "identifier": {"system": system, "value": id},
        "questionnaire": questionnaire,
        "authored": clock.instant(at),
        **person,
    }


def response(sitting: Sitting) -> Resource:
    """A sitting as it is stored; while it runs it is `in-progress`."""
    return frame(sitting.id, SITTINGS, f"{QUIZ}{sitting.case}|{sitting.version}", sitting.learner, sitting.began) | {
        "status": "completed" if sitting.finished else "in-progress",
        "item": [
            items("opened", [item(key, valueBoolean=True) for key in sitting.opened]),
            *map(turn, sitting.turns),
        ],
    }


def turn(told: Turn) -> Resource:
    listed = [
        items(
            "guess",
            [item("code", valueCoding={"system": ICD10, "code": one.code}), item("sure", valueInteger=one.confidence)],
        )
        for one in told.guesses
    ]
    return items(
        "turn", [item("after", valueString=told.after), item("at", valueDateTime=clock.instant(told.at)), *listed]
    )


def sitting_of(told: Resource) -> Sitting:
    """The way back."""
    case, _, version = told["questionnaire"].removeprefix(QUIZ).partition("|")
    return Sitting(
        told["id"],
        case,
        int(version),
        told.get("author", {}).get("reference", ""),
        datetime.fromisoformat(told["authored"]),
        tuple(one["linkId"] for one in told["item"][0]["item"]),
        tuple(turn_of(one) for one in told["item"] if one["linkId"] == "turn"),
    )


def turn_of(told: Resource) -> Turn:
    said = answers(told)
    listed = [answers(one) for one in told["item"] if one["linkId"] == "guess"]
    return Turn(
        said["after"],
        tuple(Guess(one["code"]["code"], one["sure"]) for one in listed),
        datetime.fromisoformat(said["at"]),
    )


def review_response(review: Review) -> Resource:
    """An answer to a card as it is stored."""
    return frame(review.id, REVIEWS, f"{CARD}{review.case}.{review.concept}", review.learner, review.at) | {
        "status": "completed",
        "item": [item("rating", valueString=review.rating)],
    }


def review_of(told: Resource) -> Review:
    """The way back."""
    case, _, concept = told["questionnaire"].removeprefix(CARD).partition(".")
    return Review(
        told["id"],
        case,
        concept,
        answers(told)["rating"],
        told.get("author", {}).get("reference", ""),
        datetime.fromisoformat(told["authored"]),
    )


def sittings(records: Records, learner: str = "") -> list[Sitting]:
    """The sittings of a learner, or of everyone, the oldest first."""
    return sorted(map(sitting_of, of(records, SITTINGS, learner)), key=lambda one: (one.began, one.id))


def reviews(records: Records, learner: str = "") -> list[Review]:
    return sorted(map(review_of, of(records, REVIEWS, learner)), key=lambda one: (one.at, one.id))


def of(records: Records, system: str, learner: str) -> list[Resource]:
    wanted = [("identifier", f"{system}|"), ("_count", "500"), *([("author", learner)] if learner else [])]
    return [one for one in every(records, TYPE, wanted) if one["status"] != "entered-in-error"]
