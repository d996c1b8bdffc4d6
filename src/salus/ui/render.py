"""Jinja templates of a package that has pages, with the words and formats of the reader's language in them."""

from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from salus.base.words import words_of
from salus.ui import charts, formats
from salus.ui.assets import address, sheet


class Templates:
    """The templates of `package`; its words, below them those of the packages `besides`, then those of `ui`.

    Everything put in a page is escaped.
    """

    def __init__(self, package: str, *besides: str) -> None:
        self.words = [words_of(one) for one in (package, *besides, "salus.ui")]
        self.environment = Environment(
            loader=PackageLoader(package),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.globals.update(asset=address, charts=charts, minute=formats.minute, sheet=sheet())
        self.environment.filters.update(number=formats.number, percent=formats.percent)

    def warm(self) -> None:
        """Compile every template now, so that no reader waits for it."""
        for name in self.environment.list_templates(extensions=["html"]):
            self.environment.get_template(name)

    def say(self, key: str, language: str, /, **slots: object) -> str:
        """The words for a key. Raises KeyError when neither has it: a missing word is a fault of ours."""
        for words in self.words:
            if key in words:
                return words(key, language, **slots)
        raise KeyError(key)

    def render(self, template: str, language: str, zone: ZoneInfo | None = None, **context: Any) -> Markup:
        """The page's text. Templates say `t(key, slot=...)`, `day(x)`, `time(x)`, both by the clocks of `zone`,
        `weekday(x)`, `soon(x)`, `minute(x)` and `money(minor, currency)`."""
        spoken = {
            "language": language,
            "t": lambda key, **slots: self.say(key, language, **slots),
            "day": lambda value: formats.day(value, language, zone),
            "time": lambda value: formats.time(value, language, zone),
            "weekday": lambda value: formats.weekday(value, language),
            "soon": lambda value: formats.soon(value, language),
            "money": lambda minor, currency: formats.money(minor, currency, language),
        }
        return Markup(self.environment.get_template(template).render(spoken | context))
