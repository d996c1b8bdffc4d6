"""Is a teacher's case whole? Every fault is named at once, by its place, with what to do."""

from collections.abc import Callable, Iterator

import msgspec
import yaml

from salus.assistants.cases.quizzes.script import STEPS, Script, twice
from salus.base.errors import Invalid, Issue

LONGEST = 20_000  # characters of one case


def script_of(text: str) -> Script:
    """The case that a YAML text holds. Raises Invalid with every fault found."""
    found, faults = checked(text)
    if found is None or faults:
        raise Invalid("The case is not whole yet", issues=faults)
    return found


def checked(text: str) -> tuple[Script | None, list[Issue]]:
    """The case as far as it can be read, and its faults: none means that it may be used."""
    if len(text) > LONGEST:
        return None, [fault("", f"The case has {len(text):,} characters: at most {LONGEST:,}")]
    try:
        told = yaml.safe_load(text)
    except yaml.MarkedYAMLError as broken:
        mark = broken.problem_mark or broken.context_mark
        at = f"line {mark.line + 1}" if mark else ""
        return None, [fault(at, f"This is not YAML: {broken.problem or broken.context}")]
    except (yaml.YAMLError, ValueError, RecursionError) as broken:
        return None, [fault("", f"This is not YAML: {broken}")]
    try:
        script = msgspec.convert(told, Script)
    except msgspec.ValidationError as broken:
        said, _, place = str(broken).partition(" - at `$.")
        # carries: the words of the library that reads the shape
        return None, [fault(place.rstrip("`"), said)]
    return script, [one for rule in RULES for one in rule(script)]


def fault(path: str, text: str) -> Issue:
    return Issue("invalid", path, text, "error")


def steps_in_order(script: Script) -> Iterator[Issue]:
    kinds = script.keys
    if kinds != [one for one in STEPS if one in kinds] or kinds[0] != STEPS[0]:
        yield fault("steps", f"The steps are {', '.join(kinds)}: tell {', '.join(STEPS)} once each, in this order")


def names_once(script: Script) -> Iterator[Issue]:
    for place, names in (
        ("diagnoses", [one.code for one in script.diagnoses]),
        ("tests", [one.id for one in script.tests]),
        ("concepts", [one.id for one in script.concepts]),
        ("path", [one.after for one in script.path]),
    ):
        for name in twice(names):
            yield fault(place, f"'{name}' stands twice: keep one")
    for name in sorted({one.id for one in script.tests} & set(STEPS)):
        yield fault("tests", f"A test cannot be called '{name}': that is a step")


def codes_known(script: Script) -> Iterator[Issue]:
    known = {one.code for one in script.diagnoses}
    asked = [("diagnosis", [script.diagnosis]), ("must_not_miss", script.must_not_miss)]
    asked += [(f"path.{one.after}", one.ranking) for one in script.path]
    for place, codes in asked:
        for code in codes:
            if code not in known:
                yield fault(place, f"'{code}' is not among the diagnoses: name it there in both languages")


def path_whole(script: Script) -> Iterator[Issue]:
    known = {*script.keys, *(one.id for one in script.tests)}
    told = {one.after for one in script.path}
    for after in sorted(told - known):
        yield fault(f"path.{after}", f"'{after}' is neither a step nor a test of this case")
    for missing in sorted({*script.keys, *(one.id for one in script.tests if one.needed)} - told):
        yield fault("path", f"Nothing says where the expert stands after '{missing}': add it")
    if script.path[-1].ranking[0] != script.diagnosis:
        yield fault("path", f"The path ends at {script.path[-1].ranking[0]}, the diagnosis is {script.diagnosis}")


RULES: tuple[Callable[[Script], Iterator[Issue]], ...] = (steps_in_order, names_once, codes_known, path_whole)
