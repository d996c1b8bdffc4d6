"""Identities in many written forms go out of a text; what is medicine stays."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salus.privacy.deidentify import Identity, Kind, Number, Person, Span, deidentify, identity_of

LI = {
    "resourceType": "Patient",
    "id": "0190b2c4-li",
    "name": [{"text": "李梅华", "family": "李", "given": ["梅华"]}],
    "birthDate": "1952-03-14",
    "telecom": [{"system": "phone", "value": "13812345678"}],
    "identifier": [{"value": "MR-004217"}, {"value": "11010519491231002X"}],
    "address": [{"text": "浙江省杭州市西湖区文三路90号3栋501室", "city": "杭州市"}],
    "contact": [{"name": {"text": "王建国"}, "telecom": [{"system": "phone", "value": "0571-87654321"}]}],
}
THOMPSON = {
    "resourceType": "Patient",
    "name": [{"family": "Thompson", "given": ["Robert", "Quincy"]}],
    "birthDate": "1950-05-06",
    "telecom": [{"system": "phone", "value": "(617) 555-0123"}, {"system": "email", "value": "bobt@mail.example"}],
    "address": [{"line": ["12 Maple Street"], "city": "Springfield", "state": "MA", "postalCode": "01101"}],
}
STAFF = [
    {"resourceType": "Practitioner", "name": [{"family": "Nowak", "given": ["Ewa"]}]},
    {"resourceType": "Practitioner", "name": [{"text": "陈晓东"}]},
    {"resourceType": "Organization", "name": "Kangcheng Riverside House"},
]
ENGLISH, CHINESE = identity_of([THOMPSON, *STAFF]), identity_of([LI, *STAFF])

BY_RECORD = [
    ("Thompson", "patient"),
    ("Robert Q. Thompson", "patient"),
    ("THOMPSON, ROBERT", "patient"),
    ("R. Thompson", "patient"),
    ("Thomspon", "patient"),
    ("Tompson", "patient"),
    ("Bob", "patient"),
    ("R.Q.T.", "patient"),
    ("Nowak", "staff"),
    ("617.555.0123", "phone"),
    ("555-0123", "phone"),
    ("bobt@mail.example", "email"),
    ("12 Maple St", "address"),
    ("Maple Street", "address"),
    ("Springfield", "address"),
    ("May 6, 1950", "birth"),
    ("1950-05-06", "birth"),
    ("Kangcheng Riverside House", "organisation"),
]
BY_RECORD_ZH = [
    ("李梅华", "patient"),
    ("李 梅 华", "patient"),
    ("李女士", "patient"),
    ("李某某", "patient"),
    ("梅华", "patient"),
    ("李梅花", "patient"),
    ("Li Meihua", "patient"),
    ("Meihua Li", "patient"),
    ("limeihua", "patient"),
    ("王建国", "relative"),
    ("王先生", "relative"),
    ("陈晓东", "staff"),
    ("138 1234 5678", "phone"),
    ("１３８１２３４５６７８", "phone"),
    ("8765-4321", "phone"),
    ("mr004217", "record-id"),
    ("文三路", "address"),
    ("西湖区", "address"),
    ("1952年3月14日", "birth"),
]


@pytest.mark.parametrize(("written", "kind"), BY_RECORD)
def test_what_the_record_knows_goes_in_every_english_form(written: str, kind: str):
    cleaned = deidentify(f"we spoke of {written} then again.", ENGLISH)

    assert kind in {one.kind for one in cleaned.spans}
    assert f"we spoke of [{cleaned.spans[0].surrogate[1:-1]}] then again." == cleaned.text


@pytest.mark.parametrize(("written", "kind"), BY_RECORD_ZH)
def test_what_the_record_knows_goes_in_every_chinese_form(written: str, kind: str):
    cleaned = deidentify(f"昨日谈到，{written}，以后再谈。", CHINESE)

    assert kind in {one.kind for one in cleaned.spans}
    assert f"昨日谈到，{cleaned.spans[0].surrogate}，以后再谈。" == cleaned.text


BY_FORM = [
    ("Seen by Dr. Okonkwo today", "Seen by Dr. [NAME] today"),
    ("SURGEON: Zbigniew Kowalczyk, MD", "SURGEON: [NAME], MD"),
    ("her husband Ignatius called", "her husband [NAME] called"),
    ("SSN 123-45-6789", "SSN [SSN]"),
    ("MRN: 00123456", "MRN: [RECORD NUMBER]"),
    ("call (617) 555-0199", "call [PHONE]"),
    ("mail a.b@c.example.org", "mail [EMAIL]"),
    ("see https://a.example/x", "see [URL]"),
    ("from 10.2.33.4", "from [IP]"),
    ("card 4111 1111 1111 1111", "card [CARD NUMBER]"),
    ("at 45 Oak Hill Road, Apt 3", "at [ADDRESS]"),
    ("in Albany, NY 12203", "in [PLACE]"),
    ("a 93-year-old man", "a [90+]-year-old man"),
    ("around Christmas", "around [HOLIDAY]"),
    ("由张医生接诊", "由[姓名]医生接诊"),
    ("主治医师：欧阳修远", "主治医师：[姓名]"),
    ("患者王某，男", "患者[姓名]，男"),
    ("身份证号11010519491231002X", "身份证号[身份证号]"),
    ("手机13912345678", "手机[电话]"),
    ("座机0571-87654321", "座机[电话]"),
    ("微信号：abc_12345", "微信号：[账号]"),
    ("QQ号123456789", "QQ号[账号]"),
    ("车牌浙A12B34", "车牌[车牌]"),
    ("住院号：0012345", "住院号：[编号]"),
    ("家住江苏省南京市鼓楼区中山路18号2单元301室", "家住[地址]"),
    ("患者95岁", "患者[90以上]岁"),
    ("护照E12345678", "护照[护照号]"),
]


@pytest.mark.parametrize(("text", "cleaned"), BY_FORM)
def test_what_is_known_by_its_form_goes_without_any_record(text: str, cleaned: str):
    assert cleaned == deidentify(text).text


STAYS = [
    "E. coli grew; S. aureus did not. Crohn disease, Foley catheter.",
    "Blood pressure 120/80, strength 4/5, 2000 mg daily, INR 2.5, T 36.8.",
    "Patient: Yeah, I don't know. Doctor: Okay.",
    "A 72-year-old woman with a Jackson-Pratt drain, given at 8:30.",
    "患者高血压10年，舒张压90mmHg，主诉胃区不适，慢性病史，黄疸。",
    "肝区叩痛，神志清，口服缬沙坦80mg，每日1次，3月前起病。",
]


@pytest.mark.parametrize("text", STAYS)
def test_what_is_medicine_stays(text: str):
    assert text == deidentify(text).text


DATES = [
    ("03/14/2024", "03/28/2024"),
    ("2024-03-14", "2024-03-28"),
    ("14-Mar-2024", "28-Mar-2024"),
    ("March 14th, 2024", "March 28th, 2024"),
    ("20240314", "20240328"),
    ("2024年3月14日", "2024年3月28日"),
    ("二〇二四年三月十四日", "二〇二四年三月二十八日"),
    ("3月14号", "3月28号"),
]


@pytest.mark.parametrize(("text", "moved"), DATES)
def test_a_date_moves_by_the_patients_weeks_in_the_form_it_was_written(text: str, moved: str):
    assert f"on {moved}: well" == deidentify(f"on {text}: well", shift=14).text
    assert "2024" not in deidentify(f"on {text}: well").text


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("from 3/2/2025-3/9/2025", "from 3/16/2025-3/23/2025"),
        ("03/02/25 - 03/09/25", "03/16/25 - 03/23/25"),
        ("from 3/2-3/9 here", "from 3/16-3/23 here"),
        ("2025.3.2至2025.3.9", "2025.3.16至2025.3.23"),
    ],
)
def test_both_ends_of_a_span_of_days_move(text: str, moved: str):
    assert moved == deidentify(text, shift=14).text


def test_a_double_name_goes_whole():
    assert "then [PATIENT] came" == deidentify("then Thompson-Moore came", ENGLISH).text


@given(st.dates(date(1960, 1, 1), date(2035, 1, 1)), st.integers(-100, 100), st.sampled_from(["%Y-%m-%d", "%m/%d/%Y"]))
def test_the_time_between_two_dates_and_the_weekday_stay(day: date, weeks: int, form: str):
    moved = date.fromordinal(day.toordinal() + 7 * weeks)

    assert f"seen {moved.strftime(form)}." == deidentify(f"seen {day.strftime(form)}.", shift=7 * weeks).text


def test_a_human_takes_out_more_and_leaves_what_is_none_but_never_what_the_record_says():
    text = "The heron keeper Chang met Thompson."
    keeper, chang = text.index("heron"), text.index("Thompson")
    cleaned = deidentify(text, ENGLISH, manual=[Span(keeper, keeper + 12, Kind.OTHER)], kept=[(chang, chang + 8)])

    assert "The [REMOVED] Chang met [PATIENT]." == cleaned.text
    assert ["human", "record"] == [one.why for one in cleaned.spans]


def test_what_may_still_be_somebody_is_told_with_its_place():
    text = "He plays for Walla, ref 8812345, and was mayor. 王建国，见。"
    told = {text[one.start : one.end]: one.reason for one in deidentify(text).leftovers}

    assert {"Walla": "capital", "8812345": "number", "mayor": "who", "王建国": "name"} == told


def test_a_rare_word_is_told_when_there_is_a_vocabulary():
    told = deidentify("pain after quokka riding", common=lambda word: word in {"pain", "after"}).leftovers

    assert [("rare", 11, 17)] == [(one.reason, one.start, one.end) for one in told]


@given(st.text("李梅华ab 张医生13８年月日.-/:Smith\n", max_size=60))
def test_any_text_is_cleaned_and_its_pieces_make_it_again(text: str):
    cleaned = deidentify(text, CHINESE, 7)

    assert text == "".join(piece for piece, _ in cleaned.pieces())
    assert list(cleaned.spans) == sorted(cleaned.spans)
    assert "梅华" not in cleaned.text


def test_a_given_name_of_one_character_goes_where_it_does_something():
    who = identity_of([{"resourceType": "Patient", "name": [{"text": "王雪"}]}])

    assert "[患者姓名]要求出院，大雪天路滑。" == deidentify("雪要求出院，大雪天路滑。", who).text


def test_names_in_small_letters_go_where_they_stand_together():
    who = identity_of([{"resourceType": "Patient", "name": [{"family": "King", "given": ["May"]}]}])

    assert "note of [PATIENT], who may be king" == deidentify("note of may king, who may be king", who).text


def test_a_thousand_of_the_staff_are_found_by_looking_up():
    people = tuple(
        Person(Kind.STAFF, whole=(f"王{one}{two}",)) for one in "伟芳娜敏静丽强磊军洋" for two in "勇艳杰娟涛明超兰霞平"
    )
    cleaned = deidentify("由王娜超查房", Identity(people, (Number(Kind.RECORD_ID, "A-77"),)))

    assert "由[医务人员姓名]查房" == cleaned.text


def test_a_number_beside_characters_is_told():
    assert ["number"] == [one.reason for one in deidentify("患者75686034床旁彩超已做").leftovers]
