"""What was brought, and what was not: counts by table, in words for people and as JSON."""

from collections.abc import Iterator

import msgspec

from salus.base.words import words_of

SHOWN = 12  # names of a long list
REASONS = ("no_subject", "no_code", "no_time")  # in the order in which they are asked


class TableCount(msgspec.Struct, kw_only=True):
    """One kind of event of a table. rows = events + what was left out, by reason; `unread_numbers` are kept as text."""

    table: str
    rows: int
    events: int
    left_out: dict[str, int]
    unread_numbers: int = 0


class Brought(msgspec.Struct, kw_only=True):
    """`unknown_units`: unit -> events that have it and no UCUM code; they keep their word. `unmapped`: code -> events
    that have it, of no code system but the source's own words. `absent`: optional tables."""

    layout: str
    subjects: int
    events: int
    tables: list[TableCount]
    unknown_units: dict[str, int] = {}
    unmapped: dict[str, int] = {}
    absent: list[str] = []

    def lines(self, language: str) -> Iterator[str]:
        """For people to read."""
        say = words_of("salus.analytics.sources")
        yield say("brought", language, events=f"{self.events:,}", subjects=f"{self.subjects:,}")
        for one in self.tables:
            left = sum(one.left_out.values())
            numbers = {"rows": f"{one.rows:,}", "events": f"{one.events:,}", "left": f"{left:,}"}
            yield say("table", language, table=one.table, **numbers)
            for reason, count in one.left_out.items():
                yield say(f"left.{reason}", language, count=f"{count:,}")
            if one.unread_numbers:
                yield say("unread", language, count=f"{one.unread_numbers:,}")
        if self.unknown_units:
            yield say("units", language, **most(self.unknown_units))
        if self.unmapped:
            yield say("unmapped", language, **most(self.unmapped))
        if self.absent:
            yield say("absent", language, tables=", ".join(self.absent))


def most(counts: dict[str, int]) -> dict[str, str]:
    """How many there are, with the events they have, and the most frequent of them."""
    listed = ", ".join(f"{what} ({count:,})" for what, count in list(counts.items())[:SHOWN])
    return {"kinds": f"{len(counts):,}", "count": f"{sum(counts.values()):,}", "most": listed}
