"""Numbers, dates and ages as a reader of English or Chinese expects them."""

import re
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from babel.numbers import format_currency, get_currency_precision

from salus.base.words import words_of

LOCALES = {"en": "en_GB", "zh": "zh_Hans"}
DAY, MONTH, YEAR = 10, 7, 4  # lengths of a FHIR date: https://hl7.org/fhir/R4/datatypes.html#date
LEAP = re.compile(r"^([0-9-]{10}T\d\d:\d\d:)60")  # a leap second: https://hl7.org/fhir/R4/datatypes.html#instant


def number(value: float | int | str | None) -> str:
    r"""At most four significant digits, no trailing noughts, a narrow space that does not break between thousands.

    >>> number(137.25), number(98.0), number(1420), number(0.00012), number(-3.5), number("positive")
    ('137.2', '98', '1\u202f420', '0.00012', '−3.5', 'positive')
    """
    if value is None or isinstance(value, str):
        return value or ""
    text = f"{value:,.0f}" if abs(value) >= 1000 else shortened(value)
    return text.replace(",", "\u202f").replace("-", "−")


def shortened(value: float) -> str:
    """Four significant digits, without an exponent."""
    text = f"{value:.4g}"
    if "e" in text:
        text = f"{value:.8f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float) -> str:
    """A share of one in hundredths; what is nearly nothing or nearly all is not rounded to it.

    >>> percent(0.783), percent(0.034), percent(0.0002), percent(0.997), percent(1)
    ('78%', '3.4%', '<0.1%', '>99%', '100%')
    """
    if 0 < share < 0.001:
        return "<0.1%"
    if 0.99 < share < 1:
        return ">99%"
    return f"{share * 100:.1f}%".replace(".0%", "%") if share < 0.1 else f"{share * 100:.0f}%"


def money(minor: int, currency: str, language: str) -> str:
    """An amount of minor units (fen, cents; of ISO 4217's precision) as it is written in the language.

    >>> money(95000, "CNY", "zh"), money(1234, "USD", "en"), money(500, "JPY", "en")
    ('¥950.00', 'US$12.34', 'JP¥500')
    >>> money(-95000, "CNY", "en")  # ¥ alone is the yuan in both languages, whatever Babel calls it abroad
    '-¥950.00'
    """
    whole = Decimal(minor).scaleb(-get_currency_precision(currency))
    return str(format_currency(whole, currency, locale=LOCALES[language])).replace("CN¥", "¥")


def day(value: str | date | None, language: str, zone: ZoneInfo | None = None) -> str:
    """A day, or the month or year when no more is known. Takes FHIR dates and dateTimes; other text is shown as it is.

    An instant is told by the clocks of `zone`, else of the zone that it was written in.

    >>> day("1952-03-14", "en"), day("1952-03-14T08:00:00+08:00", "zh"), day("1952-03", "en"), day("1952", "zh")
    ('14 Mar 1952', '1952年3月14日', 'Mar 1952', '1952年')
    >>> day("2026-11-22T23:46:00Z", "en", ZoneInfo("Asia/Shanghai"))
    '23 Nov 2026'
    """
    text = by_clocks_of(zone, value)
    skeleton = {MONTH: "yMMM", YEAR: "y"}.get(len(text), "yMMMd")
    moment = first_day(text)
    return str(format_skeleton(skeleton, moment, locale=LOCALES[language])) if moment else text


def weekday(value: date | datetime, language: str) -> str:
    """A day near at hand: the day of the week tells more than the year.

    >>> weekday(date(2026, 11, 23), "en"), weekday(date(2026, 11, 23), "zh")
    ('Mon 23 Nov', '11月23日周一')
    """
    return str(format_skeleton("MMMEd", value, locale=LOCALES[language]))


def soon(at: datetime, language: str) -> str:
    """A time near at hand, in the zone that it has.

    >>> soon(datetime(2026, 11, 23, 9, 15), "en"), soon(datetime(2026, 11, 23, 9, 15), "zh")
    ('Mon 23 Nov, 09:15', '11月23日周一 09:15')
    """
    return f"{weekday(at, language)}{', ' if language == 'en' else ' '}{minute(at)}"


def minute(at: datetime) -> str:
    """The time of day on the clock that it has; where that shows it twice, for summer time ends, which of the two.

    >>> minute(datetime(2026, 11, 1, 9, 15, tzinfo=ZoneInfo("America/New_York")))
    '09:15'
    >>> [minute(datetime(2026, 11, 1, 1, 30, tzinfo=ZoneInfo("America/New_York"), fold=fold)) for fold in (0, 1)]
    ['01:30 (UTC−04:00)', '01:30 (UTC−05:00)']
    """
    first, second = (at.replace(fold=fold).utcoffset() for fold in (0, 1))
    if first is None or second is None or first <= second:
        return f"{at:%H:%M}"
    offset = at.isoformat()[-len("-04:00") :].replace("-", "−")
    return f"{at:%H:%M} (UTC{offset})"


def by_clocks_of(zone: ZoneInfo | None, value: str | date | None) -> str:
    """A date or dateTime as ISO text; what has a zone of its own as the clocks of `zone` show it."""
    text = value.isoformat() if isinstance(value, date) else value or ""
    if zone is None or len(text) <= DAY:
        return text
    try:
        told = datetime.fromisoformat(without_leap(text))
        return told.astimezone(zone).isoformat() if told.tzinfo else text
    except (ValueError, OverflowError):  # no instant, or one at the very end of the calendar
        return text


def without_leap(text: str) -> str:
    """An instant in a leap second as the second before it, which clocks can show.

    >>> without_leap("2016-12-31T23:59:60Z"), without_leap("2016-12-31")
    ('2016-12-31T23:59:59Z', '2016-12-31')
    """
    return LEAP.sub(r"\g<1>59", text)


def first_day(text: str) -> date | None:
    """The first day of a FHIR date, or None when it is not one."""
    try:
        return date.fromisoformat((text + "-01-01")[:DAY] if len(text) < DAY else text[:DAY])
    except ValueError:
        return None


def time(value: str | date | None, language: str, zone: ZoneInfo | None = None) -> str:
    """The day and the minute by the clocks of `zone`, else of the zone that it was written in.

    >>> time("2026-11-20T09:30:00+08:00", "en"), time("2026-11-20", "zh")
    ('20 Nov 2026, 09:30', '2026年11月20日')
    >>> time("2026-11-22T23:46:00Z", "zh", ZoneInfo("Asia/Shanghai"))
    '2026年11月23日 07:46'
    """
    text = by_clocks_of(zone, value)
    if len(text) <= DAY:
        return day(text, language)
    return f"{day(text, language)}{', ' if language == 'en' else ' '}{minute_of(text, zone)}"


def minute_of(text: str, zone: ZoneInfo | None) -> str:
    """The minute of a dateTime, as it is written or by the clocks of a zone.

    >>> minute_of("0001-01-01T00:00:00+14:00", ZoneInfo("Asia/Shanghai"))  # no calendar begins earlier
    '00:00'
    """
    try:
        told = datetime.fromisoformat(text)
        return minute(told.astimezone(zone)) if zone and told.tzinfo else text[11:16]
    except (ValueError, OverflowError):
        return text[11:16]


def age(born: str | None, at: date, language: str) -> str:
    """Whole years, or months below two years; nothing when the birth date is not known.

    >>> age("1952-03-14", date(2026, 3, 13), "en"), age("2026-01-01", date(2026, 3, 1), "zh"), age(None, date.min, "en")
    ('73 years', '2个月', '')
    """
    start = first_day(born or "")
    if start is None:
        return ""
    months = (at.year - start.year) * 12 + at.month - start.month - (at.day < start.day)
    words = words_of("salus.ui")
    return words("months", language, count=months) if months < 24 else words("years", language, count=months // 12)
