"""A topic as R4 shows it: a Basic with R5's elements as extensions, since R4 has no SubscriptionTopic.

http://hl7.org/fhir/uv/subscriptions-backport/components.html#subscription-topics
"""

from typing import Any

from salus.subscriptions.topics import Criteria, ShapeTable, Topic, TriggerTable

CROSS = "http://hl7.org/fhir/5.0/StructureDefinition/"
ELEMENT = CROSS + "extension-SubscriptionTopic."
TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"
Json = dict[str, Any]


def basic(topic: Topic) -> Json:
    table = topic.table
    extensions: list[Json] = [
        {"url": "http://hl7.org/fhir/StructureDefinition/artifact-url", "valueUri": table.url},
        {"url": ELEMENT + "version", "valueString": table.version},
        {"url": ELEMENT + "title", **spoken("valueString", table.title)},
        {"url": ELEMENT + "description", **spoken("valueMarkdown", table.description)},
        *({"url": ELEMENT + "resourceTrigger", "extension": trigger(row)} for row in table.resourceTrigger),
        *(
            {"url": ELEMENT + "canFilterBy", "extension": narrowed(row.resource, name, row.modifier)}
            for row in table.canFilterBy
            for name in row.filterParameter
        ),
        *({"url": ELEMENT + "notificationShape", "extension": shape(row)} for row in table.notificationShape),
    ]
    status = {"url": "http://hl7.org/fhir/StructureDefinition/artifact-status", "valueCode": "active"}
    return {
        "resourceType": "Basic",
        "id": topic.name,
        "meta": {"profile": [CROSS + "profile-SubscriptionTopic"]},
        "extension": extensions,
        "modifierExtension": [status],
        "code": {"coding": [{"system": "http://hl7.org/fhir/fhir-types", "code": "SubscriptionTopic"}]},
    }


def spoken(name: str, words: dict[str, str]) -> Json:
    """A text in English, with the Chinese as its translation. http://hl7.org/fhir/StructureDefinition/translation"""
    content = "valueMarkdown" if name == "valueMarkdown" else "valueString"
    parts = [{"url": "lang", "valueCode": "zh"}, {"url": "content", content: words["zh"]}]
    return {name: words["en"], f"_{name}": {"extension": [{"url": TRANSLATION, "extension": parts}]}}


def plain(url: str, kind: str, *values: object) -> list[Json]:
    return [{"url": url, f"value{kind}": value} for value in values if value not in ("", None)]


def trigger(row: TriggerTable) -> list[Json]:
    asked = [{"url": "queryCriteria", "extension": criteria(row.queryCriteria)}] if row.queryCriteria else []
    return [
        *plain("resource", "Uri", row.resource),
        *plain("supportedInteraction", "Code", *row.supportedInteraction),
        *asked,
        *plain("fhirPathCriteria", "String", row.fhirPathCriteria.strip()),
    ]


def criteria(asked: Criteria) -> list[Json]:
    return [
        *plain("previous", "String", asked.previous),
        *plain("resultForCreate", "Code", asked.resultForCreate),
        *plain("current", "String", asked.current),
        *plain("resultForDelete", "Code", asked.resultForDelete),
        *plain("requireBoth", "Boolean", asked.requireBoth),
    ]


def narrowed(type: str, name: str, modifiers: list[str]) -> list[Json]:
    return [
        *plain("resource", "Uri", type),
        *plain("filterParameter", "String", name),
        *plain("modifier", "Code", *modifiers),
    ]


def shape(row: ShapeTable) -> list[Json]:
    return [
        *plain("resource", "Uri", row.resource),
        *plain("include", "String", *row.include),
        *plain("revInclude", "String", *row.revInclude),
    ]
