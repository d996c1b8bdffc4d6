"""Which department, from a patient's own words in Chinese or English: red flags first, then a probability, or "I cannot
tell"."""

from dataclasses import dataclass
from functools import cache

from salus.assistants.recommend.departments import FIRST, Department, departments, focuses, known
from salus.assistants.recommend.redflags import RedFlag, red_flags
from salus.assistants.recommend.urgency import sounds_urgent
from salus.assistants.suggestion import Name
from salus.base.errors import Invalid
from salus.base.words import LANGUAGES, words_of
from salus.learning.models.recommend import Topics
from salus.learning.models.recommend import topics as learning
from salus.places import Number, numbers

LONGEST = 2_000  # characters that somebody may say
FEWEST_TERMS = 1  # that the reader has met, or it cannot tell
UNSURE = 0.35  # below, the likeliest is not named
LEAST, MOST = 0.05, 3  # probability and number of departments that are named


@dataclass(frozen=True, slots=True)
class Chance:
    """A department with its probability (0 to 1) and the words that spoke for it."""

    department: Department
    probability: float
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Caution:
    """That it may be urgent, and the number to call if so."""

    text: Name
    call: tuple[Number, ...]


@dataclass(frozen=True, slots=True)
class Routing:
    """`flags` before all else: with them no department is named. `cannot_tell`: why not, and then `departments` holds
    where to begin, without a probability of any worth. `caution`: no rule holds, and yet it sounds urgent."""

    text: str
    flags: tuple[RedFlag, ...]
    departments: tuple[Chance, ...]
    cannot_tell: Name | None = None
    caution: Caution | None = None


def route(
    text: str,
    language: str = "en",
    *,
    model: Topics | None = None,
    country: str | None = None,
    age_days: int | None = None,
    despite: bool = False,
) -> Routing:
    """Where these words lead. `model`: one learned from a site's own questions; without, the one of our own table.

    `despite`: name departments although there are red flags (somebody said that a doctor has ruled them out).
    `language`: in which `why` is explained where the table speaks. Raises Invalid for a text that is too long, or a
    language that we do not speak.
    """
    if language not in LANGUAGES:
        raise Invalid(f"The language {language!r} is not one of {', '.join(LANGUAGES)}", path="language")
    if len(text) > LONGEST:
        raise Invalid(f"{len(text)} characters are more than {LONGEST}: say it in fewer words", path="need")
    flags = red_flags(text, country, age_days)
    if flags and not despite:
        return Routing(text, flags, ())
    caution = Caution(name("caution"), (numbers(country)["ambulance"],)) if not flags and sounds_urgent(text) else None
    return Routing(text, flags, *told(text, model or shipped()), caution)


def told(text: str, model: Topics) -> tuple[tuple[Chance, ...], Name | None]:
    """The likeliest departments, or where to begin and why nobody can tell."""
    if model.known(text) < FEWEST_TERMS:
        return begin(), name("cannot.few")
    chances = model.probabilities([text])[0]
    order = chances.argsort()[::-1][:MOST].tolist()
    if chances[order[0]] < UNSURE:
        return begin(), name("cannot.unsure")
    wanted = [place for place in order if chances[place] >= LEAST]
    made = (Chance(known(model.names[one]), float(chances[one]), tuple(model.why(text, one))) for one in wanted)
    return tuple(made), None


def begin() -> tuple[Chance, ...]:
    return (Chance(departments()[FIRST], 0.0, ()),)


def name(key: str, **slots: Name | str | int | float) -> Name:
    """Words of ours in both languages; a slot that is a name is said in each."""
    say = words_of("salus.assistants.recommend")
    both = (
        say(key, lang, **{k: v.in_(lang) if isinstance(v, Name) else v for k, v in slots.items()}) for lang in LANGUAGES
    )
    return Name(*both)


@cache
def shipped() -> Topics:
    """The reader of our own table, learned when it is first asked (half a second)."""
    said = [(text, one.department) for one in focuses() for text in (*one.en, *one.zh, one.name.en, one.name.zh)]
    return learning.fit([text for text, _ in said], [label for _, label in said])
