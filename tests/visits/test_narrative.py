"""What is typed is text, and comes back as it was typed."""

import re

import orjson
from hypothesis import given
from hypothesis import strategies as st

from salus import fhir
from salus.services.visits.narrative import clean, plain, xhtml
from salus.services.visits.templates import BLANK, offered, templates

TYPED = st.text(st.characters(exclude_categories=()), max_size=200) | st.sampled_from(
    ["<script>alert(1)</script>", "a\r\nb\n\nc", "&amp; &lt;", "<img src=x onerror=y>", "]]>", "\x00\x0b", "<!-- x -->"]
)


@given(TYPED)
def test_any_text_comes_back_as_it_was_typed(text: str):
    assert clean(text) == plain(xhtml(text))


@given(TYPED.filter(lambda text: clean(text) != ""))
def test_any_text_makes_a_narrative_that_the_store_takes_and_no_tag(text: str):
    div = xhtml(text)
    body = {
        "resourceType": "Basic",
        "code": {"text": "x"},
        "text": {"status": "additional", "div": div},
    }
    fhir.decode(orjson.dumps(body))
    assert {"div", "p", "br"} >= set(re.findall(r"<\s*/?\s*(\w+)", div))


def test_of_foreign_markup_only_the_words_are_shown():
    assert "Fever\nfor 3 days" == plain("<div><h2>Fever</h2><ul><li>for 3 days</li></ul><style>x{}</style></div>")


def test_every_template_has_names_in_both_languages_and_what_must_be_written_is_among_its_sections():
    for one in templates().values():
        keys = [section.key for section in one.sections]
        assert len(keys) == len(set(keys)) and any(section.required for section in one.sections)
        for section in one.sections:
            assert section.name.en and section.name.zh
            assert section.begins.en.count(BLANK) == section.begins.zh.count(BLANK), (one.key, section.key)


def test_a_department_is_offered_its_own_template_first():
    assert "dentistry" == offered("dentistry")[0].key and "outpatient" == offered("nothing known")[0].key
