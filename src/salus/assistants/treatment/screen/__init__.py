"""The safety screen: what speaks against an order, from rules that are rows with a source; and what was not looked at.

    knowledge/     the rows that are shipped: interactions, limits, doses, allergies, and their sources
    rules.py       their shapes, read and checked
    knowledge.py   all rules of an installation, ready to be asked; a site's own beside those shipped
    orders.py      what is ordered or taken, as the screen sees it
    person.py      what is known of the patient: age, weight, kidney, liver, blood, pregnancy, genes, allergies
    kidney.py      eGFR and creatinine clearance
    pairs.py, duplicates.py, allergies.py, limits.py, doses.py, lifetime.py    one kind of check each
    summing.py     what was not checked of several medicines, in few sentences
    screening.py   all checks over one patient's orders

It decides nothing: each finding says what to do, and a clinician may go on with a reason. An unknown medicine is "not
checked", never "nothing found".
"""

from salus.assistants.treatment.screen.findings import Finding, Screening, Unchecked
from salus.assistants.treatment.screen.knowledge import Knowledge, shipped
from salus.assistants.treatment.screen.screening import screen
from salus.assistants.treatment.screen.summing import summed

__all__ = ["Finding", "Knowledge", "Screening", "Unchecked", "screen", "shipped", "summed"]
