"""What would make the assistant say otherwise, asked about a suggestion that was shown."""

from salus.assistants.bedside import Bedside
from salus.learning.learn import learn_task
from salus.learning.step7_deploy import Registry
from salus.learning.task import task_of

MODEL = "t2dm-12m"


def test_a_suggestion_says_what_would_have_to_be_measured_otherwise(ward):
    task = Registry(ward.registry).load(MODEL, "1").task
    again = {
        "name": MODEL,
        "kind": "binary",
        "question": dict(task.question),
        "when": {"events": list(task.when.events), "min_gap_days": 100},
        "label": {"codes": list(task.label.codes), "within_days": 365},
        "features": {
            "codes": ["LOINC//4548-4"],
            "windows_days": [365],
            "min_subjects": 5,
            "changeable": ["LOINC//4548-4"],
            "limits": {"LOINC//4548-4": {"direction": "down"}},
        },
        "models": {"families": ["logistic"]},
        "budget": {"seconds": 0},
    }
    before = ward.bedside.suggestions(ward.clinician, "p0")
    assert [[]] == [ward.bedside.alternatives(ward.clinician, one.id) for one in before if one.kind == "risk"]

    learn_task(task_of(again), ward.registry.parent / "events", ward.registry)
    bedside, said = Bedside(ward.store, ward.registry), []
    for number in range(120):
        for one in bedside.suggestions(ward.clinician, f"p{number}"):
            if one.kind == "risk" and one.leading and one.leading.probability > 0.5:
                said += bedside.alternatives(ward.clinician, one.id)
        if said:
            break

    assert "A1c" in said[0]["en"] or "HbA1c" in said[0]["en"]
    assert "no advice on treatment" in said[0]["en"] and "并非治疗建议" in said[0]["zh"]
