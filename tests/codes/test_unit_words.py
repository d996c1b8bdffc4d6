import pytest

from salus.codes import LABS, unit_words

ROWS = [
    ("10*9/L", "×10⁹/L", "×10⁹/L"),
    ("10*3/uL", "×10³/µL", "×10³/µL"),
    ("10*12/L", "×10¹²/L", "×10¹²/L"),
    ("umol/L", "µmol/L", "µmol/L"),
    ("ug/mL", "µg/mL", "µg/mL"),
    ("mmol/mol", "mmol/mol", "mmol/mol"),
    ("kg/m2", "kg/m²", "kg/m²"),
    ("mm[Hg]", "mmHg", "mmHg"),
    ("Cel", "°C", "°C"),
    ("[degF]", "°F", "°F"),
    ("[lb_av]", "lb", "lb"),
    ("mL/min/{1.73_m2}", "mL/min/1.73 m²", "mL/min/1.73 m²"),
    ("m[IU]/L", "mIU/L", "mIU/L"),
    ("u[IU]/mL", "µIU/mL", "µIU/mL"),
    ("meq/L", "mEq/L", "mEq/L"),
    ("U/L", "U/L", "U/L"),
    ("/min", "/min", "次/分"),
    ("a", "years", "岁"),
    ("d", "days", "天"),
    ("{score}", "points", "分"),
    ("%", "%", "%"),
    ("[pH]", "", ""),
    (None, "", ""),
]


@pytest.mark.parametrize(("ucum", "english", "chinese"), ROWS)
def test_a_unit_is_written_as_people_write_it(ucum: str | None, english: str, chinese: str) -> None:
    assert (english, chinese) == (unit_words(ucum, "en"), unit_words(ucum, "zh"))


def test_no_unit_of_our_tables_shows_brackets_or_stars() -> None:
    shown = {unit_words(entry.unit, language) for entry in LABS.values() for language in ("en", "zh")}

    assert [] == [text for text in shown if set(text) & set("[]{}*^_")]
