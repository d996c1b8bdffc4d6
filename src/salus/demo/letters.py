"""Written notes of the people to look at first. https://hl7.org/fhir/R4/documentreference.html"""

from base64 import b64encode

from salus.codes.tables import LOINC
from salus.demo.chart import Chart, moment
from salus.demo.parameters import table

WRITTEN = 11 * 60  # minutes after midnight


def write_letters(chart: Chart, last: int) -> None:
    """The notes that `letters.toml` has for a person; none for all others."""
    for row in table("letters").get(chart.person.id, ()):
        chart.add(
            "DocumentReference",
            {
                "status": "current",
                "type": {"coding": [{"system": LOINC, "code": row["type"], "display": row["en"]}], "text": row["zh"]},
                "subject": chart.subject,
                "date": moment(last - row["days"], WRITTEN).isoformat(),
                "content": [{"attachment": attachment(row["text"].strip())}],
            },
        )


def attachment(text: str) -> dict[str, str]:
    """A text as FHIR carries it. https://hl7.org/fhir/R4/datatypes.html#Attachment"""
    return {"contentType": "text/plain; charset=utf-8", "data": b64encode(text.encode()).decode()}
