"""What the patient's own record says, wherever a text says it: names in any order, numbers with any blanks, addresses
by their parts."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import product

from salus.codes.terminology.syllables import surname_syllables, syllable
from salus.privacy.deidentify.folding import folded
from salus.privacy.deidentify.forms import piece
from salus.privacy.deidentify.identity import Identity, Number, Person
from salus.privacy.deidentify.lists import characters, nicknames, words
from salus.privacy.deidentify.shapes import Kind, Span
from salus.privacy.deidentify.slips import Slips

HAN = re.compile(r"[㐀-鿿]")
LATIN = re.compile(r"[A-Za-z][A-Za-z'-]*")
GAP = re.compile(r"(?:[ ]*[,.]?[ ]+|[-.]|,)(?:[A-Z]\.?[ ]+)?|[ ]")
SPARE = r"[\s·•.-]{0,2}"
LEAST = 5  # letters of a name that may be misspelt


class Known:
    """An identity made ready to be looked for. `find` yields spans of a folded text, names joined where they touch."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.tokens = latin_tokens(identity.people)
        self.slips = Slips({token: kind for token, kind in self.tokens.items() if len(token) >= LEAST})
        near = tuple(one for one in identity.people if one.kind is not Kind.STAFF)
        self.staff = Roster(one for one in identity.people if one.kind is Kind.STAFF)
        self.sounds = [row for one in near for row in sound_rows(one)]
        rows = [*whole_rows(near), *han_rows(near), *map(number_row, identity.numbers), *initials(near)]
        self.rows = [*rows, *place_rows(identity.places), *organisation_rows(identity.organisations)]
        self.short = short_surnames(identity.people)
        self.handles = {token: kind for token, kind in run_together(identity.people).items()}

    def find(self, text: str) -> Iterator[Span]:
        yield from (self.whole(text, one) for one in joined(text, sorted(self.names(text))))
        yield from self.staff.find(text)
        yield from self.sounding(text)
        for kind, pattern in self.rows:
            for match in pattern.finditer(text):
                yield Span(*match.span(match.lastindex or 0), kind, "record")

    def whole(self, text: str, span: Span) -> Span:
        """With a surname of few letters before or after it, which alone would be found everywhere: Li, Wu."""
        if not self.short:
            return span
        before, after = (
            self.short[0].search(text, max(0, span.start - 4), span.start),
            self.short[1].match(text, span.end),
        )
        return Span(before.start() if before else span.start, after.end() if after else span.end, span.kind, span.why)

    def sounding(self, text: str) -> Iterator[Span]:
        """The surname before characters that sound like the given name."""
        for kind, family, sounds in self.sounds:
            for match in re.finditer(family, text):
                after = text[match.end() : match.end() + len(sounds)]
                if tuple(map(syllable, after)) == sounds:
                    yield Span(match.start(), match.end() + len(sounds), kind, "record")

    def names(self, text: str) -> Iterator[Span]:
        """Latin words that are a name, or one letter away from a long one."""
        if not self.tokens:
            return
        for match in LATIN.finditer(text):
            for start, word in pieces(match):
                if kind := self.kind_of(word):
                    yield doubled(match, Span(start, start + len(word), kind, "record"))

    def kind_of(self, word: str) -> Kind | None:
        lower = word.lower()
        if kind := self.tokens.get(lower) or self.handles.get(lower):
            everyday = lower in words("english", "words") or len(lower) < 3
            return kind if word[0].isupper() or not everyday else None
        return self.slips.near(lower, word[0].isupper()) if len(lower) >= LEAST else None


class Roster:
    """The Chinese names of the whole staff, found by looking up what begins with one of their surnames."""

    def __init__(self, people: Iterable[Person]) -> None:
        self.names = frozenset(family + given for one in people for family, given in han_names(one))
        self.starts = re.compile(f"[{''.join(sorted({name[0] for name in self.names}))}]") if self.names else None

    def find(self, text: str) -> Iterator[Span]:
        for match in self.starts.finditer(text) if self.starts else ():
            for length in (4, 3, 2):
                if text[match.start() : match.start() + length] in self.names:
                    yield Span(match.start(), match.start() + length, Kind.STAFF, "record")
                    break


def doubled(match: re.Match[str], span: Span) -> Span:
    """A double name of which one part is known is that name as a whole: Rowe-Moore."""
    word = match[0].removesuffix("'s")
    if "-" in word and all(part[:1].isupper() for part in word.split("-")):
        return Span(match.start(), match.start() + len(word), span.kind, span.why)
    return span


def pieces(match: re.Match[str]) -> Iterator[tuple[int, str]]:
    """A word, without what makes it a possessive, and each of its parts around a hyphen."""
    word, start = re.sub(r"'s?$|'$", "", match[0]), match.start()
    yield start, word
    if "-" in word:
        at = start
        for part in word.split("-"):
            if part:
                yield at, part
            at += len(part) + 1


def joined(text: str, found: list[Span]) -> Iterator[Span]:
    """Names that only a blank, a comma or an initial parts are one; a lone initial beside a name belongs to it."""
    at: Span | None = None
    for one in found:
        if at and one.start <= at.end:
            at = Span(at.start, max(at.end, one.end), at.kind, "record")
        elif at and GAP.fullmatch(text, at.end, one.start):
            at = Span(at.start, one.end, at.kind, "record")
        else:
            if at:
                yield widened(text, at)
            at = one
    if at:
        yield widened(text, at)


BEFORE = re.compile(r"(?:(?<![\w.])[A-Z]\.? ?){1,2}$")
AFTER = re.compile(r"(?:,? [A-Z]\.?(?![\w'])){1,2}")


def widened(text: str, span: Span) -> Span:
    """With the initials before and after it: `J. Smith`, `Smith, J`, `Smith J.`"""
    before = BEFORE.search(text, max(0, span.start - 6), span.start)
    after = AFTER.match(text, span.end)
    start = before.start() if before and before[0].strip() != "I" else span.start
    return Span(start, after.end() if after and after[0].strip() != "I" else span.end, span.kind, span.why)


def latin_tokens(people: tuple[Person, ...]) -> dict[str, Kind]:
    """Lower-case words of names, nicknames and pinyin, and whom each names; the patient first."""
    found: dict[str, Kind] = {}
    for one in sorted(people, key=lambda one: ORDER.index(one.kind)):
        for name in (*one.family, *one.given, *one.whole):
            for word in LATIN.findall(folded(name)):
                for token in {word.lower(), *word.lower().split("-"), *nicknames().get(word.lower(), ())}:
                    if len(token) > 1 and token not in PARTICLES:
                        found.setdefault(token, one.kind)
        for token in pinyin_tokens(one):
            found.setdefault(token, one.kind)
    return found


ORDER = [Kind.PATIENT, Kind.RELATIVE, Kind.STAFF, Kind.NAME]
PARTICLES = words("english", "particles")


def han_names(one: Person) -> Iterator[tuple[str, str]]:
    """(surname, given name) of each Chinese name."""
    for family, given in product(one.family, one.given):
        if HAN.match(family) and HAN.match(given):
            yield family, given
    for whole in one.whole:
        name = re.sub(r"[\s·]", "", whole)
        if 2 <= len(name) <= 4 and all(map(HAN.match, name)):
            cut = 2 if name[:2] in words("chinese", "double") and len(name) > 2 else 1
            yield name[:cut], name[cut:]


def pinyin_tokens(one: Person) -> set[str]:
    """`li`, `meihua`, `limeihua`, `meihuali` for 李梅华; short syllables alone are no token."""
    found = set()
    for family, given in han_names(one):
        surname, rest = surname_syllables(family), [syllable(each) for each in given]
        if all(surname) and all(rest):
            first, last = "".join(map(str, surname)), "".join(map(str, rest))
            found |= {first + last, last + first} | ({last} if len(rest) > 1 else set())
            found |= {token.replace("v", "yu") for token in found} | {token.replace("v", "u") for token in found}
            found |= {first} if len(first) > 2 else set()
    return found


def short_surnames(people: tuple[Person, ...]) -> tuple[re.Pattern[str], re.Pattern[str]] | None:
    """What finds a surname of one or two letters right before and right after another name."""
    found = {"".join(map(str, surname_syllables(family))) for one in people for family, _ in han_names(one)}
    found |= {name.lower() for one in people for name in one.family if name.isascii()}
    either = "|".join(sorted({"lu" if name == "lv" else name for name in found if len(name) < 3 and name.isalpha()}))
    if not either:
        return None
    return re.compile(rf"(?<!\w)(?:{either})[ ,]{{1,2}}$", re.I), re.compile(rf"[ ,]{{1,2}}(?:{either})(?!\w)", re.I)


def run_together(people: tuple[Person, ...]) -> dict[str, Kind]:
    """`johnsmith`, `smithjohn`, `jsmith`: how names stand in accounts."""
    found: dict[str, Kind] = {}
    for one in people:
        for family, given in product(one.family, one.given):
            if family.isascii() and given.isascii() and len(family) > 2 and given:
                first, last = given.lower(), family.lower()
                found |= dict.fromkeys((first + last, last + first, first[0] + last), one.kind)
    return found


def initials(people: tuple[Person, ...]) -> Iterator[tuple[Kind, re.Pattern[str]]]:
    """`J.S.`, `J. Q. S.` of patient and relatives; letters alone (`JS`) may mean too much else and go to the human."""
    for one in people:
        if one.kind is Kind.STAFF:
            continue
        given = [name[0] for name in one.given if name[:1].isascii() and name[:1].isalpha()]
        for family in (name[0] for name in one.family if name[:1].isascii() and name[:1].isalpha()):
            for letters in ([*given[:1], family], [*given, family], [family, *given[:1]]):
                if len(letters) > 1:
                    yield one.kind, re.compile(r"(?<![\w.])" + r"\.[ -]?".join(letters).upper() + r"\.(?!\w)")


def whole_rows(people: tuple[Person, ...]) -> Iterator[tuple[Kind, re.Pattern[str]]]:
    """Given name and surname together, in any letters: in small ones each alone may be an everyday word."""
    for one in people:
        for family, given in product(one.family, one.given):
            if family.isascii() and given.isascii() and len(given) > 1:
                last, first = re.escape(family), re.escape(given)
                both = rf"{first}[ ,]+(?:[a-z]\.?[ ]+)?{last}|{last}[ ,]+{first}"
                yield one.kind, re.compile(rf"(?<!\w)(?:{both})(?!\w)", re.IGNORECASE)


def han_rows(people: tuple[Person, ...]) -> Iterator[tuple[Kind, re.Pattern[str]]]:
    """The whole name, the surname with how people are called, the given name alone where it has two characters."""
    for one in people:
        for family, given in dict.fromkeys(han_names(one)):
            whole = SPARE.join(map(re.escape, family + given))
            parts = [whole, f"{family}{piece('known', 'called').pattern}", *half_open(family, given)]
            parts += [rf"(?<![㐀-鿿])[老小阿]{family}(?=[\s,.;:、。]|说|述|诉|的|患|因|$)"]
            if len(given) > 1:
                parts += [SPARE.join(map(re.escape, given)) + "(?:先生|女士|阿姨|大爷)?"]
            else:
                parts += [f"[小阿老]{re.escape(given)}(?![㐀-鿿]{{0,1}}[便腿肠脑时])"]
                parts += [f"(?<![㐀-鿿]){re.escape(given)}(?={piece('known', 'says').pattern})"]
            yield one.kind, re.compile("|".join(parts))


WEAK = 2  # characters of a name that too many words sound like


def sound_rows(one: Person) -> Iterator[tuple[Kind, str, tuple[str | None, ...]]]:
    """The surname, and how the given name sounds: 李梅花 for 李梅华. Not where the surname is an everyday word too."""
    for family, given in dict.fromkeys(han_names(one)):
        sounds = tuple(map(syllable, given))
        weak = family in characters("weak") and len(family + given) <= WEAK
        if given and all(sounds) and not weak:
            yield one.kind, re.escape(family), sounds


def half_open(family: str, given: str) -> list[str]:
    """The name with one character left open: 李*华, 李某华."""
    if len(given) < 2:
        return []
    return [f"{family}[*×xX某○]{re.escape(given[-1])}", f"{family}{re.escape(given[0])}[*×xX某○]"]


def number_row(number: Number) -> tuple[Kind, re.Pattern[str]]:
    """A number with any blanks and dashes in it; a telephone number also without what stands before the local one."""
    if number.kind in (Kind.EMAIL, Kind.URL):
        return number.kind, re.compile(re.escape(folded(number.text)), re.IGNORECASE)
    signs = [one for one in folded(number.text) if one.isalnum()]
    body = SPARE_IN.join(map(re.escape, signs))
    if number.kind is Kind.PHONE and len(signs) >= 9:
        last = "".join(signs[-4:])
        body += "".join(rf"|(?<!\d){SPARE_IN.join(local)}" for local in local_parts(signs))
        body += rf"|(?:尾号|后四位|ending(?: in)?|last four)[\s:]{{0,3}}({last})"
    elif len(signs) >= 15:
        last = "".join(signs[-4:])
        body += rf"|(?:尾号|后四位|末四位|ending(?: in)?|last four(?: digits)?)[\s:]{{0,3}}({last})"
    return number.kind, re.compile(rf"(?<![A-Za-z\d])(?:{body})(?![A-Za-z\d])", re.IGNORECASE)


def local_parts(signs: list[str]) -> list[list[str]]:
    """A telephone number as it is said in its own town: without country and area.

    >>> ["".join(one) for one in [*local_parts(list("057187654321")), *local_parts(list("6175550123"))]]
    ['187654321', '87654321', '5550123']
    """
    if signs[0] == "0":
        return [signs[3:], signs[4:]]
    return [signs[-8:]] if len(signs) == 11 and signs[0] == "1" and signs[1] in "3456789" else [signs[-7:]]


SPARE_IN = r"[\s().·/-]{0,2}"


def place_rows(places: tuple[str, ...]) -> Iterator[tuple[Kind, re.Pattern[str]]]:
    """Addresses whole, their lines, and of Chinese ones each part that has a name of its own."""
    parts = dict.fromkeys(folded(part) for place in places for part in parts_of(place) if len(part) > 1)
    for part in sorted(parts, key=len, reverse=True):
        loose = r"[\s,.]*".join(map(re.escape, re.split(r"[\s,.]+", part.strip(" ,."))))
        edge = r"(?<![A-Za-z\d])", r"(?![A-Za-z\d])"
        yield Kind.ADDRESS, re.compile(f"{edge[0]}{loose}{edge[1]}", re.IGNORECASE)


def parts_of(place: str) -> Iterator[str]:
    """
    >>> list(parts_of("浙江省杭州市西湖区文三路90号"))[1:]
    ['杭州市', '杭州', '西湖区', '西湖', '文三路']
    >>> list(parts_of("12 Maple Street"))
    ['12 Maple Street', 'Maple Street', 'Maple St']
    """
    yield place
    if HAN.search(place):
        for part in piece("known", "place").findall(place):
            if part[-1] not in "省":
                yield part
            if len(part) > 2 and part[-1] in "市区县":
                yield part[:-1]
    elif street := re.match(r"\d+[A-Za-z]? +(.+)", place):
        yield street[1]
        for name, short in STREETS.items():
            if street[1].endswith(f" {name}"):
                yield street[1].removesuffix(name) + short


STREETS = {
    "Street": "St",
    "Avenue": "Ave",
    "Road": "Rd",
    "Drive": "Dr",
    "Lane": "Ln",
    "Boulevard": "Blvd",
    "Court": "Ct",
}


def organisation_rows(names: tuple[str, ...]) -> Iterator[tuple[Kind, re.Pattern[str]]]:
    for name in names:
        yield Kind.ORGANISATION, re.compile(re.escape(folded(name)), re.IGNORECASE)


@lru_cache(512)
def known(identity: Identity) -> Known:
    """Made once for an identity: a patient has many notes."""
    return Known(identity)
