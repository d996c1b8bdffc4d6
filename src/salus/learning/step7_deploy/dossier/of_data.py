"""Slots about the data: who, when, what, from what, how many."""

from collections.abc import Callable, Mapping

from salus.learning.people import SEX_COLUMNS
from salus.learning.run import MADE_UP
from salus.learning.step5_evaluate.report import number_text
from salus.learning.step5_evaluate.telling import by_name, group_name, probe_words
from salus.learning.step7_deploy.dossier.told import Told
from salus.learning.step7_deploy.facts import Described, Member, Part

MOST_CODES, MOST_NOTES = 8, 6
SENSITIVE = (  # 45 CFR 170.315(b)(11)(iv)(A)(5)-(13), as people name columns and codes
    "race", "ethnic", "language", "orientation", "gender", "sex", "birth", "age", "income", "insurance", "education",
    "housing", "employ", "marital", "social", "种族", "民族", "语言", "性别", "年龄", "收入", "保险", "教育", "婚姻",
)  # fmt: skip
Slot = Callable[[Told], object]


def codes(told: Told, patterns: list[str]) -> str:
    """The first patterns of codes, and how many more."""
    more = len(patterns) - MOST_CODES
    return told.listed(patterns[:MOST_CODES]) + (f" (+{more})" if more > 0 else "")


def population(told: Told) -> str:
    task = told.known.bundle.task
    cohort = task.cohort
    rules = [
        (cohort.min_age is not None, "who.min_age", {"age": f"{cohort.min_age or 0:g}"}),
        (cohort.max_age is not None, "who.max_age", {"age": f"{cohort.max_age or 0:g}"}),
        (bool(cohort.has), "who.has", {"codes": codes(told, cohort.has)}),
        (bool(cohort.without), "who.without", {"codes": codes(told, cohort.without)}),
        (cohort.min_history_days > 0, "who.history", {"days": f"{cohort.min_history_days:g}"}),
        (told.known.bundle.source == "events" and task.incident, "who.incident", {}),
    ]
    said = [told.say(key, **slots) for applies, key, slots in rules if applies]
    return told.comma.join(said) or told.say("who.everyone")


def when(told: Told) -> str:
    task = told.known.bundle.task
    if told.known.bundle.source == "table":
        return told.say("when.row")
    if task.when.dates:
        return told.say("when.dates", dates=told.listed(date.date().isoformat() for date in task.when.dates))
    keep = told.say(f"keep.{task.when.keep}")
    return told.say("when.events", codes=codes(told, task.when.events), hours=f"{task.when.offset_hours:g}", keep=keep)


def horizon(told: Told) -> str:
    label, found = told.known.bundle.task.label, told.known.found
    if found.horizon is not None:
        return told.say("horizon.lasting", horizon=f"{found.horizon:g}", unit=found.unit)
    if told.known.bundle.source == "table":
        return told.say("horizon.row")
    return (
        told.say("horizon.visit") if label.same_encounter else told.say("horizon.days", days=f"{label.within_days:g}")
    )


def outcome(told: Told) -> str:
    bundle, table = told.known.bundle, told.known.facts.table
    if table is not None and table.event is not None:
        return told.say("label.lasting", target=table.target, event=table.event)
    if table is not None:
        foretold = told.listed(told.known.found.classes[1:] or [told.say("kind.number")])
        return told.say("label.column", target=table.target, positive=foretold)
    key = "label.number" if bundle.labels.kind == "number" else "label.codes"
    return told.say(key, codes=codes(told, bundle.task.label.all_codes()))


def collected(told: Told) -> str:
    found = told.known.facts.collected
    if told.known.bundle.source == "table":
        counts = {"rows": found["rows"], "columns": found["columns"], "bad": found["bad_rows"]}
        return told.say("collected.table", **counts)
    slots = {name: found[name] for name in ("events", "codes", "subjects")}
    first, last = str(found["first"])[:10], str(found["last"])[:10]
    return told.say("collected.events", **slots, offered=found["codes_offered"], first=first, last=last)


def dates(told: Told) -> str:
    facts = told.known.facts
    if not facts.at:
        return told.say("dates.table", made=told.known.bundle.made[:10])
    first, last = (str(facts.collected[name])[:10] for name in ("first", "last"))
    return told.say(
        "dates.events", first=first, last=last, at_first=facts.at[0], at_last=facts.at[1], horizon=horizon(told)
    )


def offered(told: Told) -> str:
    features = told.known.bundle.task.features
    if told.known.bundle.source == "table":
        return told.say("offered.table")
    return told.say(
        "offered.events",
        codes=codes(told, features.codes),
        exclude=codes(told, features.exclude),
        fewest=features.min_subjects,
        windows=told.listed(f"{days:g}" for days in features.windows_days),
        values=told.listed(features.values),
    )


def split(told: Told) -> str:
    asked = told.known.bundle.task.split
    after = told.known.bundle.after
    if after is not None:
        return told.say("split.after", version=after.version, on=after.on)
    if told.known.facts.given_test:
        return told.say("split.given")
    return told.say(f"split.{asked.by}", share=f"{100 * asked.test:g}", seed=asked.seed)


def cases_of(told: Told, part: Part) -> str:
    """Class by class how many rows; of a number how many rows."""
    named = [f"{told.class_name(name)}: {count}" for name, count in part.cases.items()]
    return told.comma.join(named) or str(part.rows)


def member(told: Told, one: Member) -> str:
    name = group_name(told.say, one.by, one.name)
    if told.known.found.kind not in ("binary", "survival"):
        return told.say("member.plain", name=name, train=one.train, test=one.test)
    shares = [f"{100 * cases / rows:.1f}" if rows else "–" for cases, rows in pairs_of(one)]
    positive = told.class_name(told.known.found.classes[-1])
    return told.say(
        "member",
        name=name,
        train=one.train,
        test=one.test,
        train_share=shares[0],
        test_share=shares[1],
        positive=positive,
    )


def pairs_of(one: Member) -> list[tuple[int, int]]:
    return [(one.train_cases, one.train), (one.test_cases, one.test)]


def members(told: Told) -> str:
    named = [member(told, one) for one in told.known.facts.members]
    return told.semicolon.join(named) or told.say("member.none")


def described(told: Told) -> str:
    return told.semicolon.join(describe(told, one) for one in told.known.facts.described) or told.say("page.none")


def describe(told: Told, one: Described) -> str:
    return told.say(
        "described",
        name=one.label[told.language],
        train=quartiles(told, one.train, one.unit),
        test=quartiles(told, one.test, one.unit),
        missing=f"{100 * one.train_missing:.1f}",
        missing_test=f"{100 * one.test_missing:.1f}",
    )


def quartiles(told: Told, values: list[float], unit: str | None) -> str:
    if not values:
        return told.say("page.unknown")
    low, middle, high = (f"{value:.4g}" for value in values)
    return told.say("quartiles", low=low, middle=middle + (f" {unit}" if unit else ""), high=high)


def missing(told: Told) -> str:
    said = [f"{one.label[told.language]} {100 * one.train_missing:.1f} %" for one in told.known.facts.described]
    return told.listed(said)


def most_different(told: Told) -> str:
    found = max(told.known.facts.described, key=lambda one: one.psi, default=None)
    return told.say("page.none") if found is None else f"{found.label[told.language]} (PSI {found.psi:.3f})"


def left_out(told: Told) -> str:
    said = [f"{told.say(f'left_out.{reason}')} {count}" for reason, count in told.known.facts.left_out]
    return told.comma.join(said) or told.say("page.none")


def notes(told: Told) -> str:
    own = [note for note in told.known.facts.notes if note.key != MADE_UP]
    return " ".join(told.say(note.key, **note.slots) for note in own[:MOST_NOTES])


def made_up(told: Told) -> str:
    return "".join(told.say(n.key, **n.slots) + " " for n in told.known.facts.notes if n.key == MADE_UP)


def share(told: Told) -> str:
    if not told.known.facts.train.cases:
        return told.say("share.number")
    return told.say("share.classes", classes=cases_of(told, told.known.facts.train))


def per_feature(told: Told) -> str:
    """Training rows of the rarest class a feature (of a number: all rows)."""
    facts = told.known.facts
    fewest = min(facts.train.cases.values(), default=facts.train.rows)
    return number_text(fewest / max(facts.features, 1))


def systems(told: Told) -> str:
    found = told.known.facts.systems
    return told.listed(f"{name or told.say('system.column')} {count}" for name, count in found.items())


def sensitive(told: Told) -> str:
    """The inputs whose name speaks of such a variable."""
    names = told.known.labels
    return told.listed(sorted(one for one in names if speaks_of_persons(one)))


def speaks_of_persons(source: str) -> bool:
    """Whether a thing's own name speaks of sex, age, race or the like.

    >>> speaks_of_persons("age"), speaks_of_persons("SEX//female"), speaks_of_persons("LOINC//4548-4")
    (True, True, False)
    """
    pieces = source.lower().replace("_", " ").replace("//", " ").replace("-", " ").split()
    return any(piece in SEX_COLUMNS or any(piece.startswith(one) for one in SENSITIVE) for piece in pieces)


def groups(told: Told) -> str:
    found = dict.fromkeys(one.by for one in told.known.facts.members)
    return told.listed(by_name(told.say, by) for by in found)


SLOTS: Mapping[str, Slot] = {
    "population": population,
    "when": when,
    "horizon": horizon,
    "outcome": outcome,
    "followed": lambda told: told.say(f"followed.{told.known.bundle.source}"),
    "classes": lambda told: told.listed(map(told.class_name, told.known.found.classes)),
    "data": lambda told: told.known.facts.data,
    "sha": lambda told: str(told.known.bundle.fingerprint["data_sha256"])[:16],
    "rows_sha": lambda told: str(told.known.bundle.fingerprint["rows_sha256"])[:16],
    "made_up": made_up,
    "collected": collected,
    "dates": dates,
    "offered": offered,
    "split": split,
    "members": members,
    "described": described,
    "missing": missing,
    "most_different": most_different,
    "left_out": left_out,
    "considered": lambda told: (
        told.known.facts.train.rows + told.known.facts.test.rows + sum(count for _, count in told.known.facts.left_out)
    ),
    "notes": notes,
    "probes": lambda told: " ".join(probe_words(told.known.facts.probes, told.say)),
    "share": share,
    "epv": per_feature,
    "systems": systems,
    "sensitive": sensitive,
    "groups": groups,
    "training_rows": lambda told: told.known.facts.train.rows,
    "training_subjects": lambda told: told.known.facts.train.subjects,
    "training_cases": lambda told: cases_of(told, told.known.facts.train),
    "rows": lambda told: told.known.facts.test.rows,
    "subjects": lambda told: told.known.facts.test.subjects,
    "cases": lambda told: cases_of(told, told.known.facts.test),
}
