"""Which patients have something in their compartment: `_has` of a Patient, without opening what refers to them.

Where such resources are few, the row of each says whose it is; else each patient's timeline is asked, in a walk that
ends when the page is full.
"""

from salus.records import compartments
from salus.records.search.lines import asked, elsewhere
from salus.records.search.setting import Setting, filled, numbers, open_to
from salus.records.search.shelf import Match, Piece
from salus.records.search.terms import Term

DIRECT = 100  # resources whose rows are rather read than patients asked
MOST = 3000  # resources whose rows are read where few patients have one
SAMPLE = 32  # patients that are asked whether many have one
OFTEN = 600  # of the sample, times the rows: from here on a page is full before as many patients are asked as rows read
SEVERAL = -1  # the subject of what stands in several compartments


def whose(setting: Setting, term: Term, type: str, source: str, start: Piece, match: Match) -> Match | None:
    """The patients that such resources of type `source` refer to; None where only bodies, or `ref`, can tell.

    `start`: SQL from `resource r` on, for the resources that are such.
    """
    if not told_by_lines(term, type, source, match):
        return None
    there = there_too(term, source)
    each = of_each(setting, term, type, source, match)
    count = MOST if match.negated else setting.rarity(match, MOST)
    if each and count > DIRECT and _of_sample(setting, each) * count >= OFTEN:
        return each
    rows = _rows(setting, there, start, MOST + 1)
    if rows is None or len(rows) > MOST:
        return each
    patients = sorted({subject for subject, is_there in rows if is_there})
    marks, given = filled(patients)
    found = f"r.row IN ({marks})"
    return Match(f"SELECT row FROM resource r WHERE {found}", found, [*given], probe=found, size=len(patients))


def of_each(setting: Setting, term: Term, type: str, source: str, match: Match) -> Match | None:
    """As `whose`, asked of the timeline of each patient `r`; None where its lines cannot be asked that."""
    sql, given = asked(match, is_pin=False)
    if not told_by_lines(term, type, source, match) or elsewhere(sql):
        return None
    of_type = f"type={setting.kinds.numbers[source]}"
    lines = f"SELECT subject, type, date, row, bunch FROM line WHERE subject=r.row AND {of_type}"
    holds = f"{sql} AND {there_too(term, source)} AND {open_to(setting.patient)}"
    condition = f"EXISTS(SELECT 1 FROM ({lines}) r WHERE {holds})"
    return Match(f"SELECT r.row FROM resource r WHERE {condition}", condition, [*given], negated=True, probe=condition)


def told_by_lines(term: Term, type: str, source: str, match: Match) -> bool:
    """Whether all that refers so to a patient stands on that patient's timeline."""
    return type == "Patient" and not match.check and set(term.parameter.paths) <= compartments.subject_paths(source)


def there_too(term: Term, source: str) -> str:
    """That a row refers to its subject at the paths of the term; nothing where standing on the timeline says so."""
    if compartments.subject_paths(source) <= set(term.parameter.paths):
        return "TRUE"
    paths = numbers(term.parameter.paths)
    return f"EXISTS(SELECT 1 FROM ref f WHERE f.path IN ({paths}) AND f.target=r.subject AND f.row=r.row)"


def _rows(setting: Setting, there: str, start: Piece, most: int) -> list[tuple[int, bool]] | None:
    """The subject of each row, and whether the row refers to it so; None where some have several."""
    sql = f"SELECT r.subject, {there} {start[0]} AND r.subject<>0 LIMIT ?"
    found = [(subject, bool(is_there)) for subject, is_there in setting.stream(sql, [*start[1], most])]
    return None if any(subject == SEVERAL for subject, _ in found) else found


def _of_sample(setting: Setting, each: Match) -> int:
    """How many of the first patients have one."""
    sql = f"SELECT row FROM resource WHERE type={setting.kinds.numbers['Patient']} AND alive LIMIT {SAMPLE}"
    marks, given = filled(setting.rows(sql))
    sql = f"SELECT count(*) FROM resource r WHERE r.row IN ({marks}) AND {each.condition}"
    return setting.rows(sql, [*given, *each.arguments])[0]
