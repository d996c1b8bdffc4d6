"""Guideline options: what published guidelines offer one patient, each with its reason, source and grade.

    pathways/       the rows that are shipped: pathways, value sets, scores, sources; drafts for local approval
    rows.py         their shapes, read and checked
    plans.py        a pathway as a FHIR R4 PlanDefinition, and all that are shipped
    sets.py         value sets as lists of codes; one that cannot be expanded is an error, never empty
    facts.py        what conditions may ask of a patient, by name; why a fact is missing
    background.py   all of it for one patient, scores among it
    bounds.py       which parts of a PlanDefinition are served; others are refused by name
    applying.py     a PlanDefinition over one patient: what applies, what does not, what cannot be told
    offers.py       the medicines of what applies, each through the safety screen
    careplan.py     the answer of $apply: a CarePlan with a RequestGroup
    terms.py        where their value sets are found
    shelf.py        the pathways of an installation: a site's own of the same id takes the place of one shipped

It decides nothing and orders nothing; safety and guideline are told beside each other, never as one number.
"""

from salus.assistants.treatment.guidelines.applying import Applied, Weighed, apply
from salus.assistants.treatment.guidelines.background import Background, Score, background_of
from salus.assistants.treatment.guidelines.careplan import care_plan
from salus.assistants.treatment.guidelines.offers import Choice, Offered, offered
from salus.assistants.treatment.guidelines.plans import shipped

__all__ = [
    "Applied",
    "Background",
    "Choice",
    "Offered",
    "Score",
    "Weighed",
    "apply",
    "background_of",
    "care_plan",
    "offered",
    "shipped",
]
