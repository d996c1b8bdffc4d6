"""The CHAI Applied Model Card as XML, and a check of its structure against our table of the schema (chai.toml).

https://github.com/coalition-for-health-ai/mc-schema, v0.2 (a draft of its publisher). Text only: no entity, no DTD.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree as ET  # writes and reads only what we made ourselves

import msgspec

from salus.base.errors import Invalid, Issue
from salus.learning.step5_evaluate.bootstrap import Figure
from salus.learning.step5_evaluate.figures import Evaluation
from salus.learning.step5_evaluate.report import COMPARED, HEADLINE, SHOWN
from salus.learning.step5_evaluate.telling import group_name
from salus.learning.step7_deploy.dossier.filled import Dossier
from salus.learning.step7_deploy.dossier.told import PACKAGE, Told

ROOT = "AppliedModelCard"
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # https://www.w3.org/TR/xml/#charsets
Result = tuple[str, float | None, str]  # label, value, unit


@cache
def shape() -> dict[str, Any]:
    """version, namespace, children."""
    return tomllib.loads((files(PACKAGE) / "chai.toml").read_text("utf-8"))


def children_of(element: str) -> list[tuple[str, int, float]]:
    """(child, least, most) in order; nothing for an element of text."""
    rules = {"?": (0, 1.0), "*": (0, float("inf")), "+": (1, float("inf"))}
    return [(child.rstrip("?*+"), *rules.get(child[-1], (1, 1.0))) for child in shape()["children"].get(element, [])]


def card_xml(dossier: Dossier, told: Told) -> str:
    """The card in the language of `told`. Raises Invalid when its structure would not be that of the schema."""
    texts = {one.place: one.text(told.language) for one in dossier.of("chai")}
    ET.register_namespace("", shape()["namespace"])
    root = ET.Element(tag(ROOT))
    for path, text in texts.items():
        node, leaf = placed(root, path), path.rsplit("/", 1)[-1]
        if leaf == "Results":
            add_results(node, results(told, path.split("/")[1]))
        else:
            several = text.split("; " if told.language == "en" else "；") if leaf == "Keyword" else [text]
            for one in several:
                ET.SubElement(node, tag(leaf)).text = NOT_XML.sub(" ", one)
    faults = list(faults_of(root, ROOT))
    if faults:
        raise Invalid(faults[0].text, issues=faults)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def tag(name: str) -> str:
    return f"{{{shape()['namespace']}}}{name}"


def placed(root: ET.Element, path: str) -> ET.Element:
    """The element that the leaf of a path stands in; those on the way are made."""
    node, steps = root, path.split("/")
    for step in steps if steps[-1] == "Results" else steps[:-1]:
        found = node.find(tag(step))
        node = ET.SubElement(node, tag(step)) if found is None else found
    return node


def add_results(node: ET.Element, found: Sequence[Result]) -> None:
    for label, value, unit in found:
        one = ET.SubElement(node, tag("MetricResult"))
        ET.SubElement(one, tag("Label")).text = NOT_XML.sub(" ", label)
        plain = {"kind": "single", "value": None if value is None else round(value, 6), "unit": unit}
        ET.SubElement(one, tag("ValueJson")).text = msgspec.json.encode(plain).decode()


def results(told: Told, metric: str) -> list[Result]:
    """What stands under a metric: figures of all, of groups, of coverage."""
    found = told.known.found
    made = {
        "UsefulnessUsabilityEfficacy": figures_of(told, found),
        "FairnessEquity": groups_of(told, found),
        "SafetyReliability": coverage_of(told, found),
    }[metric]
    return made or [(told.say("page.none"), None, "")]


def figures_of(told: Told, found: Evaluation) -> list[Result]:
    named = [(told.say(f"measure.{key}"), found.chosen[key]) for key in SHOWN[found.kind] if key in found.chosen]
    return [(label + interval(one), one.value, "") for label, one in named]


def groups_of(told: Told, found: Evaluation) -> list[Result]:
    keys = [key for key in COMPARED[found.kind] if key in found.chosen] or [HEADLINE[found.kind]]
    return [
        (
            f"{told.say(f'measure.{key}')}, {group_name(told.say, g.by, g.name)}{interval(g.figures[key])}",
            g.figures[key].value,
            "",
        )
        for g in found.subgroups
        for key in keys
        if key in g.figures
    ]


def coverage_of(told: Told, found: Evaluation) -> list[Result]:
    made = []
    for one in found.coverage:
        whom = told.say("coverage.all") if one.by == "all" else f"{one.by} {one.name}"
        covered = one.figures["covered"]
        made.append((f"{whom}{interval(covered)}", covered.value, "share"))
    return made


def interval(one: Figure) -> str:
    """
    >>> interval(Figure(value=0.5, low=0.41, high=0.6))
    ' (95 %: 0.410–0.600)'
    """
    return "" if one.low is None or one.high is None else f" (95 %: {one.low:.3f}–{one.high:.3f})"


def check_card(text: str) -> list[Issue]:
    """What is wrong with the structure of a card: element by element, nothing where it is as the schema wants it."""
    try:
        root = ET.fromstring(text.encode())
    except ET.ParseError as error:
        return [Issue("structure", ROOT, f"not XML: {error}")]
    if root.tag != tag(ROOT):
        return [Issue("structure", ROOT, f"the root is {root.tag}, not {tag(ROOT)}")]
    return list(faults_of(root, ROOT))


def faults_of(node: ET.Element, path: str) -> Iterator[Issue]:
    """One issue for each element that is not as the table of the schema says."""
    rules = children_of(path.rsplit("/", 1)[-1])
    if not rules:
        if len(node) or not (node.text or "").strip():
            yield Issue("structure", path, f"{path} must hold text")
        return
    place = 0
    own = [child.tag for child in node]
    for name, least, most in rules:
        count = 0
        while place < len(own) and own[place] == tag(name):
            yield from faults_of(node[place], f"{path}/{name}")
            place, count = place + 1, count + 1
        if not least <= count <= most:
            yield Issue(
                "structure", f"{path}/{name}", f"{path} has {count} of {name}, not {least} or as many as allowed"
            )
    if place < len(own):
        yield Issue("structure", path, f"{own[place].partition('}')[2]} is not expected there in {path}")
