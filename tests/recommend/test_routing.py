"""A patient's own words lead to a department, to "I cannot tell", or, before all else, to emergency care."""

import csv
import gzip
from pathlib import Path

import pytest

from salus.assistants.recommend import red_flags, route
from salus.assistants.recommend.departments import departments, focuses, known, read
from salus.assistants.recommend.redflags import CALLS, rules, terms
from salus.assistants.recommend.saying import denied, folded
from salus.base.errors import Invalid
from salus.learning.models.recommend import topics
from salus.places import numbers

ASKED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "zh-qa-toyhom-internal"

CANNOT_WAIT = [
    ("heart", "I have chest pain and I am sweating a lot"),
    ("heart", "crushing pressure in my chest"),
    ("heart", "胸口疼得厉害，出冷汗"),
    ("heart", "there is no relief from my chest pain and my left arm hurts"),
    ("stroke", "my mother's face is drooping"),
    ("stroke", "her speech is slurred since this morning"),
    ("stroke", "说话不清，右边手脚无力"),
    ("stroke", "爷爷嘴歪了"),
    ("anaphylaxis", "after a bee sting my lips are swollen"),
    ("anaphylaxis", "吃了花生后喘不过气，脸肿"),
    ("self-harm", "I want to die"),
    ("self-harm", "I don't want to live any more"),
    ("self-harm", "不想活了"),
    ("breathing", "I can’t breathe"),
    ("breathing", "嘴唇发紫，喘不上气"),
    ("bleeding", "the cut won't stop bleeding"),
    ("bleeding", "伤口血流不止"),
    ("infant-fever", "my 2 month old baby has a fever"),
    ("infant-fever", "两个月的宝宝发烧"),
    ("unconscious", "he had a seizure and is not waking up"),
    ("unconscious", "孩子抽搐"),
    ("headache", "the worst headache of my life, it came suddenly"),
    ("headache", "突然剧烈头痛"),
    ("meningitis", "fever and a stiff neck"),
    ("meningitis", "发烧，脖子发硬"),
    ("poison", "my son swallowed bleach"),
    ("poison", "她吃了一整瓶安眠药"),
    ("pregnancy", "I am pregnant and bleeding"),
    ("pregnancy", "孕32周胎动减少"),
    ("belly", "sudden severe belly pain"),
    ("belly", "肚子疼得打滚"),
    ("sight", "I suddenly lost sight in one eye, loss of vision"),
    ("sight", "左眼突然看不见了"),
    ("injury", "he hit his head and is vomiting"),
    ("injury", "从二楼摔下来"),
    ("choking", "小孩被果冻噎住了喘不过来"),
    ("cauda-equina", "腰疼，大小便失禁"),
    ("diabetic", "diabetes, now drowsy and unresponsive"),
    ("snake", "被毒蛇咬了"),
]
CAN_WAIT = [
    "no chest pain, sweating after sport",
    "没有胸痛，出汗多",
    "没有发烧、胸痛，出汗多",
    "I don't have suicidal thoughts",
    "headache for three days",
    "头痛三天",
    "我的宝宝12个月，发烧",
    "my 12 month old has a fever",
    "没有吃抗病毒药",
    "I am 12 weeks pregnant and want a check-up",
    "knee pain after running",
    "刷牙时牙龈出血",
    "",
]


@pytest.mark.parametrize(("code", "text"), CANNOT_WAIT)
def test_what_cannot_wait_leads_to_a_number_to_call_and_to_no_department(code: str, text: str):
    told = route(text)

    assert code in [flag.code for flag in told.flags]
    assert () == told.departments
    flag = next(flag for flag in told.flags if flag.code == code)
    assert flag.call and flag.source and flag.said
    assert all(word in text for word in flag.said)


@pytest.mark.parametrize("text", CAN_WAIT)
def test_what_is_denied_or_harmless_raises_no_flag(text: str):
    assert () == red_flags(text)


@pytest.mark.parametrize("text", read("urgent")["cannot_wait"])
def test_every_way_we_know_to_say_it_is_heard_by_a_rule_or_at_least_cautions(text: str):
    told = route(text, country="US")

    assert told.flags or told.caution
    assert not (told.flags and told.caution)
    assert told.flags or told.caution.call[0].dial == "911"


def test_rules_hear_most_of_it_and_hardly_anything_that_can_wait():
    said = read("urgent")

    assert 0.9 < sum(bool(red_flags(text)) for text in said["cannot_wait"]) / len(said["cannot_wait"])
    assert 0.03 > sum(bool(red_flags(text)) for text in said["can_wait"]) / len(said["can_wait"])


@pytest.mark.parametrize("text", ["皮肤发痒", "高血压", "toothache", "hello", "need new glasses"])
def test_ordinary_needs_are_not_cautioned(text: str):
    assert route(text).caution is None


def test_the_number_is_that_of_the_country_and_for_thoughts_of_dying_a_line_to_talk_comes_first():
    assert ["120"] == [line.dial for line in red_flags("胸痛出冷汗", "CN")[0].call]
    assert ["911"] == [line.dial for line in red_flags("chest pain and sweating", "US")[0].call]
    assert ["988", "911"] == [line.dial for line in red_flags("I want to kill myself", "us")[0].call]
    assert numbers("CN") == numbers("XX")


def test_a_fever_of_a_young_baby_is_known_by_the_record_too():
    assert ["infant-fever"] == [flag.code for flag in red_flags("发烧", age_days=60)]
    assert () == red_flags("发烧", age_days=120)


def test_somebody_whom_a_doctor_has_seen_may_go_on():
    told = route("chest pain and sweating", despite=True)

    assert "heart" == told.flags[0].code
    assert told.departments


def test_every_rule_is_whole():
    named = {name for rule in rules() for way in rule.ways for group in way for name in group}

    assert set(terms()) == named
    assert {rule.todo for rule in rules()} <= set(CALLS)
    assert all(rule.text.en and rule.text.zh and rule.source for rule in rules())
    assert len(rules()) == len({rule.code for rule in rules()}) == len(read("redflags")["flag"])
    assert {rule.code for rule in rules()} == {code for code, _ in CANNOT_WAIT}


@pytest.mark.parametrize(
    ("department", "text"),
    [
        ("cardiology", "my blood pressure is high"),
        ("cardiology", "最近心慌胸闷"),
        ("respiratory", "cough for two weeks with yellow phlegm"),
        ("gastroenterology", "饭后胃里反酸"),
        ("dermatology", "itchy rash on my arms"),
        ("dentistry", "a tooth hurts when I drink something cold"),
        ("paediatrics", "我家宝宝不吃饭"),
        ("ophthalmology", "眼睛看东西模糊"),
        ("endocrinology", "糖尿病想调整胰岛素"),
        ("orthopaedics", "膝盖上下楼疼"),
    ],
)
def test_words_lead_to_their_department_in_both_languages_and_say_why(department: str, text: str):
    first = route(text).departments[0]

    assert department == first.department.code
    assert first.why and all(word.split()[0][:4] in folded(text) for word in first.why)
    assert 0.35 <= first.probability <= 1


@pytest.mark.parametrize("text", ["hello", "what are your opening hours", "你好", "", "xyzzy 123"])
def test_when_nobody_can_tell_it_says_so_and_where_to_begin(text: str):
    told = route(text, "zh")

    assert told.cannot_tell and "无法判断" in told.cannot_tell.zh
    assert ["general"] == [chance.department.code for chance in told.departments]
    assert 0.0 == told.departments[0].probability


def test_a_site_teaches_its_own_departments():
    model = topics.fit(["sore feet", "脚疼", "my ears itch", "耳朵痒"] * 5, ["Podiatry", "Podiatry", "ENT", "ENT"] * 5)

    assert "Podiatry" == route("脚疼得厉害", model=model).departments[0].department.name.zh


def test_too_long_and_unknown_languages_are_refused():
    with pytest.raises(Invalid, match="2001 characters"):
        route("x" * 2001)
    with pytest.raises(Invalid, match="'fr'"):
        route("x", "fr")


def test_departments_are_found_by_any_of_their_names():
    assert {"cardiology"} == {known(name).code for name in ("心血管科", "Cardiology", "心血管内科", "cardiology")}
    assert set(departments()) == {focus.department for focus in focuses()}
    assert {"psychiatry", "infection", "sexual_health", "gynaecology"} == {
        one.code for one in departments().values() if one.sensitive
    }


@pytest.mark.parametrize(
    ("text", "word", "so"),
    [
        ("i have never had chest pain", "chest", True),
        ("without fever or chest pain", "chest", True),
        ("not only chest pain", "chest", False),
        ("no fever, chest pain", "chest", False),
        ("否认胸痛", "胸痛", True),
        ("无明显胸痛", "胸痛", True),
        ("不知道为什么胸痛", "胸痛", False),
        ("没有发烧，胸痛", "胸痛", False),
    ],
)
def test_a_denial_reaches_to_the_next_comma_and_no_further(text: str, word: str, so: bool):
    assert so == denied(text, text.index(word))


def test_real_questions_of_other_people_go_where_they_went():
    """Our own table, which has seen none of them, over questions of a consultation site."""
    file = ASKED / "internal_medicine_5000-6000.csv.gz"
    if not file.is_file():
        pytest.skip("the shared data are not there: benchmarks/recommend says which")
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))[::10]
    told = [route(row["title"], despite=True).departments[0].department.code for row in rows]

    right = [known(row["department"]).code == said for row, said in zip(rows, told, strict=True)]
    assert sum(right) / len(right) > 0.8
