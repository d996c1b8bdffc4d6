"""Events as numbers: whose, which concept, when, known since when, how much. Arrow and NumPy, no loop over events."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from salus.learning.dictionary import EventRecipe
from salus.learning.moments import HOUR_US
from salus.learning.step3_features.members import Members

Whole = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
Places = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Entry = tuple[int, bool]  # the number of a concept, and whether the event hides for the blind hours
MOST = 1e9  # greater values are counted, not measured: their sums would not be exact
NEVER = np.iinfo(np.int64).min  # the moment of what has none: before every other
MOMENT = pa.timestamp("us", "UTC")
SEX, BIRTH = "SEX//", "MEDS_BIRTH"


@dataclass(frozen=True, slots=True)
class Coded:
    """Events of the concepts asked for, those of a subject together; one that speaks of two concepts stands twice."""

    subject: Whole  # number of the subject, never decreasing
    concept: Whole
    time: Whole  # microseconds since 1970
    known: Whole  # from when on it was known: the later of time and recorded_time
    hidden: Whole | None  # how many microseconds before a row's moment it is no longer shown
    value: Reals  # NaN where nothing was measured
    place: Whole  # in the table of events
    source: pa.ChunkedArray  # of the table of events
    concepts: int  # how many there are

    def sources(self, events: Whole) -> pa.Array:
        """The source ids of some of these events, "" for none."""
        taken = self.source.take(pa.array(self.place[events])).cast(pa.string())
        return pc.fill_null(taken.combine_chunks(), "")


@dataclass(frozen=True, slots=True)
class Persons:
    """By number of the subject: the earliest birth (microseconds, NEVER if none) and the last sex code."""

    birth: Whole
    sex: list[str | None]


@dataclass(frozen=True, slots=True)
class Meanings:
    """What words speak of: for each word `many` entries from `first` on. An entry: a concept, and whether it hides."""

    first: Whole
    many: Whole
    concept: Whole
    blind: Flags

    def entries(self, word: npt.NDArray[Any], wanted: Flags) -> tuple[Whole, Whole]:
        """The entries of the words wanted, and the place of the word that each is of."""
        many = self.many[word]
        place = np.flatnonzero(wanted & (many > 0))
        entry = self.first[word[place]]
        if self.many.max(initial=0) > 1:
            many = many[place]
            within = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
            place, entry = np.repeat(place, many), np.repeat(entry, many) + within
        return place, entry


class Codebook:
    """What a recipe's concepts need to know of codes, texts and units."""

    def __init__(self, recipe: EventRecipe) -> None:
        concepts = recipe.concepts
        self.concepts, self.blind_us = len(concepts), round(recipe.blind_hours * HOUR_US)
        self.exact: dict[tuple[str, str | None], list[Entry]] = defaultdict(list)
        for number, concept in enumerate(concepts):
            if not concept.members:
                self.exact[concept.code, concept.text].append((number, concept.blind))
        self.members = Members(recipe)
        self.texts = {text for _, text in self.exact if text is not None}
        self.with_text = {code for code, text in self.exact if text is not None}
        self.units = numbered(c.unit for c in concepts if c.unit is not None)
        # Whether a value of a concept may be measured in a unit; the last unit is any other, the last but one none.
        self.fits = np.ones((len(concepts), len(self.units) + 2), bool)
        for number, concept in enumerate(concepts):
            if concept.unit is not None:
                self.fits[number, :-2] = [unit == concept.unit for unit in self.units]
                self.fits[number, -1] = False

    def entries(self, code: str | None, text: str | None) -> Sequence[Entry]:
        """The concepts that an event of this code and text speaks of."""
        if code is None:
            return ()
        found: Sequence[Entry] = self.exact.get((code, None), ())
        if text is not None:
            found = [*found, *self.exact.get((code, text), ())]
        return [*found, *self.members.of(code)] if self.members else found

    def words(self, events: pa.Table, codes: list[str | None], code: Places) -> tuple[npt.NDArray[Any], Meanings]:
        """The number of each event's word, and what the words mean; a word is a code, or a code with a text."""
        if not self.with_text or not self.with_text.intersection(codes):
            return code, meanings([self.entries(one, None) for one in codes])
        text, texts = words_of(events["text_value"])
        with_text = np.array([one in self.with_text for one in codes])[code]
        said = with_text & np.array([one in self.texts for one in texts])[text]
        word, place = np.unique(np.where(said, code.astype(np.int64) * len(texts) + text, ~code), return_inverse=True)
        pairs = [divmod(one, len(texts)) if one >= 0 else (~one, len(texts) - 1) for one in word.tolist()]
        return place, meanings([self.entries(codes[c], texts[t]) for c, t in pairs])

    def read(self, events: pa.Table, subject: Whole, persons: int) -> tuple[Coded, Persons]:
        """The events that speak of the concepts, and what is said of birth and sex.

        `subject`: the number of each event's subject, never decreasing, -1 for one that is not asked for;
        `persons`: how many subjects there are.
        """
        code, codes = words_of(events["code"])
        time, recorded = moments(events["time"]), moments(events["recorded_time"])
        about = persons_of(code, codes, subject, time, persons)
        word, means = self.words(events, codes, code)
        place, entry = means.entries(word, (subject >= 0) & (time != NEVER))
        kept: Whole | slice = (
            slice(None) if np.array_equal(place, np.arange(len(subject))) else place
        )  # a view, no copy
        concept, blind = means.concept[entry], means.blind[entry]
        hidden = blind * self.blind_us if self.blind_us and blind.any() else None
        time = time[kept]
        known, value = np.maximum(time, recorded[kept]), self._measured(events, kept, concept)
        return Coded(
            subject[kept], concept, time, known, hidden, value, place, events["source_id"], self.concepts
        ), about

    def _measured(self, events: pa.Table, kept: Whole | slice, concept: Whole) -> Reals:
        """The values, NaN where there is none, it is too great or not finite, or in another unit than the concept's."""
        value: Reals = events["numeric_value"].to_numpy()[kept] + 0.0  # NaN for none; no -0.0
        good = np.abs(value) <= MOST
        if self.units:
            unit, units = words_of(events["unit"])
            number = [len(self.units) if one is None else self.units.get(one, -1) for one in units]
            good &= self.fits[concept, np.array(number, np.int64)[unit[kept]]]
        value[~good] = np.nan
        return value


def meanings(found: list[Sequence[Entry]]) -> Meanings:
    """The entries of each word, one after the other."""
    many = np.array([len(entries) for entries in found], np.int64)
    concepts = [concept for entries in found for concept, _ in entries]
    blind = [hides for entries in found for _, hides in entries]
    return Meanings(np.cumsum(many) - many, many, np.array(concepts, np.int64), np.array(blind, bool))


def numbered(words: Iterable[str]) -> dict[str | None, int]:
    """Each different word with its number, in the order in which they come."""
    return {word: number for number, word in enumerate(dict.fromkeys(words))}


def words_of(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int32], list[str | None]]:
    """A column of words as numbers into the list of its different words; the last of the list is None."""
    place, words = by_word(column)
    return place, [*words.to_pylist(), None]


def by_word(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int32], pa.Array]:
    """A column of words as numbers into its different words; none has the number after the last."""
    if not len(column):
        return np.zeros(0, np.int32), pa.array([], pa.string())
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    one = coded.chunk(0) if coded.num_chunks == 1 else coded.unify_dictionaries().combine_chunks()
    place = one.indices
    if place.null_count:
        place = place.fill_null(len(one.dictionary))
    return place.to_numpy(), one.dictionary


def moments(column: pa.ChunkedArray) -> Whole:
    """Microseconds since 1970, NEVER where there is none."""
    if column.type != MOMENT:
        column = column.cast(MOMENT)
    return np.asarray(column.to_numpy()).view(np.int64)  # NumPy's "not a time" is the least number


def persons_of(code: npt.NDArray[np.int32], codes: list[str | None], subject: Whole, time: Whole, many: int) -> Persons:
    """The earliest birth and the last sex code of each subject."""

    def said(wanted: Callable[[str], bool]) -> Whole:
        of_code = np.array([one is not None and wanted(one) for one in codes])
        return np.flatnonzero(of_code[code] & (subject >= 0)) if of_code.any() else np.zeros(0, np.int64)

    late = np.iinfo(np.int64).max
    birth = np.full(many, late)
    born = said(BIRTH.__eq__)
    born = born[time[born] != NEVER]
    np.minimum.at(birth, subject[born], time[born])
    sexes = sorted(one for one in codes if one is not None and one.startswith(SEX))
    rank: dict[str | None, int] = {one: number for number, one in enumerate(sexes)}
    ranks = np.array([rank.get(one, -1) for one in codes])
    last = np.full(many, -1)
    sexed = said(rank.__contains__)
    np.maximum.at(last, subject[sexed], ranks[code[sexed]])
    return Persons(np.where(birth == late, NEVER, birth), [sexes[n] if n >= 0 else None for n in last.tolist()])
