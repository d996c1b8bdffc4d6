"""Who lives in the city, and what they are born with or live with: the hidden traits from which illness comes."""

from dataclasses import dataclass, field
from random import Random

from salus.demo.parameters import Rows, at_age, table

# hidden traits with mean 0 and standard deviation 1
SCORES = ("bmi", "glycaemia", "pressure", "ldl", "filtration", "airways", "mood", "thyroid_trait", "urate")
YEAR = 365.25  # days


@dataclass(slots=True)
class Person:
    """A person: days are proleptic ordinals (`date.toordinal`), traits are what no record shows directly."""

    id: str
    sex: str  # female | male
    born: int
    arrived: int  # the day the hospital first knew of this person
    english: bool
    traits: dict[str, float]
    propensity: float  # how much more often than others of the age this person comes
    onset: dict[str, int] = field(default_factory=dict)  # illness -> the day it began, known or not
    response: dict[str, float] = field(default_factory=dict)  # treatment -> this person's own effect
    died: int | None = None

    def age(self, day: float) -> float:
        """Age in years on a day."""
        return (day - self.born) / YEAR

    def has(self, condition: str, day: float) -> bool:
        began = self.onset.get(condition)
        return began is not None and began <= day

    @property
    def bmi(self) -> float:
        """Usual body mass index in kg/m2, as an adult."""
        row = table("parameters")["traits"]["bmi"]
        return max(15.5, float(row["mean"] + row["sd"] * self.traits["bmi"]))


def person(number: int, start: int, end: int, rng: Random) -> Person:
    """One person of the city, drawn from the parameters; `start` and `end` are days."""
    age = _age(rng)
    sex = rng.choice(("female", "male"))
    city = table("parameters")["city"]
    newcomer = rng.random() < city["newcomers"]["value"]
    arrived = rng.randrange(start, end - 30) if newcomer and end - start > 60 else start
    return Person(
        id=f"p{number:05d}",
        sex=sex,
        born=start - round(age * YEAR) + (end - start) // 2,
        arrived=arrived,
        english=rng.random() < city["english_names"]["value"],
        traits=_traits(sex, age, rng),
        propensity=rng.lognormvariate(0, table("parameters")["visits"]["propensity_sd"]),
    )


def _age(rng: Random) -> float:
    """Age in years in the middle of the time told, by the census."""
    row = table("parameters")["age"]
    rows: Rows = row["by_age"]
    low = rng.choices(range(len(rows)), weights=[share for _, share in rows])[0]
    top = rows[low + 1][0] if low + 1 < len(rows) else row["oldest"]
    return rng.uniform(rows[low][0], top)


def _traits(sex: str, age: float, rng: Random) -> dict[str, float]:
    rows = table("parameters")["traits"]
    smoking = rows["smoking"]["men" if sex == "male" else "women"]
    return {name: rng.gauss(0, 1) for name in SCORES} | {
        "smoking": float(age >= rows["smoking"]["from_age"] and rng.random() < smoking),
        "family_diabetes": float(rng.random() < rows["family_diabetes"]["value"]),
        "inactive": float(rng.random() < rows["inactive"]["value"]),
    }


def expected(trait: str, age: float, sex: str) -> tuple[float, float]:
    """Mean and variance of a trait, or of having an illness, among people of this age and sex."""
    if trait in SCORES:
        return 0.0, 1.0
    rows = table("parameters")
    if trait == "smoking":
        share = rows["traits"]["smoking"]["men" if sex == "male" else "women"]
    elif trait in rows["traits"]:
        share = rows["traits"][trait]["value"]
    else:
        share = at_age(rows["conditions"][trait]["prevalence"], age)
    return share, share * (1 - share)
