"""A few composed cases for the demonstration, so that a search finds something: nobody of whom they tell is real."""

from collections.abc import Iterator
from typing import Any

import msgspec

from salus.assistants.cases.case import Case, finding_of
from salus.demo.parameters import table


def composed() -> Iterator[Case]:
    """The cases of `cases.toml`, each of which says that it is synthetic."""
    for id, row in table("cases").items():
        made: dict[str, Any] = dict(row)
        made["findings"] = [msgspec.to_builtins(finding_of(one)) for one in row["findings"]]
        for key in ("diagnoses", "treatments"):
            made[key] = [{"code": one} for one in row.get(key, ())]
        told = {"id": f"synthetic-{id}", "source": "authored", "institution": "synthetic 合成"}
        yield msgspec.convert(made | told, Case)
