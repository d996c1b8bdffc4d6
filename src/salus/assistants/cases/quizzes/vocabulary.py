"""The diagnoses that a learner may name, from every case and the house's own terms: so that no list gives one away."""

from collections.abc import Mapping

from salus.assistants.cases.quizzes.script import Diagnosis, Script
from salus.base.errors import Invalid
from salus.codes import CONDITIONS


class Vocabulary:
    """Names and codes of diagnoses. A name is found in either language, whatever its case, or by its code."""

    def __init__(self, scripts: Mapping[str, Script]) -> None:
        own = [one for script in scripts.values() for one in script.diagnoses]
        terms = [
            Diagnosis(term.more["icd10"], term.en, term.zh) for term in CONDITIONS.values() if term.more.get("icd10")
        ]
        self.known: dict[str, Diagnosis] = {one.code: one for one in (*terms, *own)}
        self._found = {
            name.casefold(): one.code for one in (*terms, *own) for name in (one.code, one.en, one.zh, *one.also)
        }

    def names(self, language: str) -> list[str]:
        return sorted({one.in_(language) for one in self.known.values()})

    def name(self, code: str, language: str) -> str:
        return self.known[code].in_(language) if code in self.known else code

    def code(self, said: str) -> str:
        """Raises Invalid for a name that is none of these: what was meant is never guessed."""
        found = self._found.get(said.strip().casefold())
        if found is None:
            raise Invalid(f"'{said}' is no diagnosis known here: choose one from the list", path="guesses")
        return found
