"""Which language a page speaks: what the reader chose, else what the browser asks for, else the house's usual one."""

from salus.base.words import LANGUAGES


def spoken(chosen: str | None, accepted: str | None, usual: str) -> str:
    """One of `LANGUAGES`. `accepted` is an Accept-Language header: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.4

    >>> spoken(None, "fr, zh-CN;q=0.9, en;q=0.2", "en"), spoken("en", "zh", "zh"), spoken("xx", None, "zh")
    ('zh', 'en', 'zh')
    """
    if chosen in LANGUAGES:
        return chosen
    wanted = sorted((weighed(part) for part in (accepted or "").split(",")), key=lambda pair: -pair[0])
    return next((tag for weight, tag in wanted if weight > 0 and tag in LANGUAGES), usual)


def weighed(part: str) -> tuple[float, str]:
    """The weight and the primary tag of one language range; a weight that is no number counts as nothing.

    >>> weighed(" zh-Hant-TW;q=0.5 "), weighed("en"), weighed("en;q=x")
    ((0.5, 'zh'), (1.0, 'en'), (0.0, 'en'))
    """
    tag, _, weight = part.strip().partition(";q=")
    try:
        return float(weight or 1), tag.split("-")[0].lower()
    except ValueError:
        return 0.0, tag.split("-")[0].lower()
