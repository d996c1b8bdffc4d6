"""Identities to be put into notes, in forms in which people write them: composed apart from the rules.

Names, addresses, numbers and plates are drawn by Faker (https://faker.readthedocs.io), which knows nothing of our
lists; the forms below were written down before the first run and are not read from `forms.toml`. `@...@` marks what
must go; a sentence may hold several. FAKER names the folder that holds Faker (its own environment, not ours).
"""

import os
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

FAKER = os.environ.get("FAKER", "")
KEYS = "abcdefghijklmnopqrstuvwxyz"
NICKNAMES = {"Robert": "Bob", "William": "Bill", "Elizabeth": "Liz", "Jennifer": "Jen", "Michael": "Mike"}
NICKNAMES |= {"Christopher": "Chris", "Katherine": "Kate", "Thomas": "Tom", "Patricia": "Pat", "Daniel": "Dan"}


@dataclass(frozen=True)
class Gold:
    """What stands in the text and must not stay. `form` names how it is written."""

    start: int
    end: int
    kind: str
    form: str


@dataclass
class Who:
    """A drawn identity: FHIR resources as the store would know them, and the values for the forms."""

    language: str
    rng: random.Random
    resources: list[dict[str, Any]] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)
    visit: date = date(2024, 3, 5)


def fakers() -> tuple[Any, Any]:
    """Faker in English and Chinese; ends the program with a clear line where there is none."""
    if not FAKER:
        sys.exit(
            sys.exit(
                "FAKER names no folder with Faker (python -m venv V; V/bin/pip install faker): V/lib/.../site-packages"
            )
        )
    sys.path.append(FAKER)
    from faker import Faker  # its own environment

    return Faker("en_US"), Faker("zh_CN")


def slip(word: str, rng: random.Random) -> str:
    """One slip of the pen, not in the first letter."""
    at = rng.randrange(1, len(word) - 1)
    drop, double = word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:]
    swap = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    other = word[:at] + rng.choice(KEYS) + word[at + 1 :]
    return rng.choice([one for one in (drop, double, swap, other) if one != word])


def drawn_english(faker: Any, rng: random.Random) -> Who:
    who = Who("en", rng)
    sex = rng.choice(("male", "female"))
    first = faker.first_name_male() if sex == "male" else faker.first_name_female()
    last, middle = faker.last_name(), faker.first_name()[0]
    wife, doctor, nurse, surgeon = (faker.first_name() for _ in range(4))
    phone = f"{rng.randrange(201, 980)}-{rng.randrange(200, 999)}-{rng.randrange(1000, 9999)}"
    other = f"{rng.randrange(201, 980)}-{rng.randrange(200, 999)}-{rng.randrange(1000, 9999)}"
    street, town, state = faker.street_address(), faker.city(), faker.state_abbr(include_territories=False)
    zip = faker.postcode()
    born = date(rng.randrange(1935, 2005), rng.randrange(1, 13), rng.randrange(1, 29))
    mrn, ssn = str(rng.randrange(10**6, 10**8)), faker.ssn()
    who.visit = date(2023, 1, 1) + timedelta(days=rng.randrange(700))
    dlast, nlast, slast = faker.last_name(), faker.last_name(), faker.last_name()
    who.said = {
        "first": first,
        "last": last,
        "middle": middle,
        "FIRST": first.upper(),
        "LAST": last.upper(),
        "f": first[0],
        "l": last[0],
        "low": f"{first} {last}".lower(),
        "slip": slip(last, rng) if len(last) > 5 else last,
        "nick": NICKNAMES.get(first, first),
        "wife": wife,
        "dfirst": doctor,
        "dlast": dlast,
        "nfirst": nurse,
        "nlast": nlast,
        "sfirst": surgeon,
        "slast": slast,
        "phone": phone,
        "phone.dots": phone.replace("-", "."),
        "phone.area": f"({phone[:3]}) {phone[4:]}",
        "phone.run": phone.replace("-", ""),
        "phone.short": phone[4:],
        "other": other,
        "street": street,
        "town": town,
        "state": state,
        "zip": zip,
        "mrn": mrn,
        "ssn": ssn,
        "email": faker.email(),
        "url": faker.url(),
        "ip": faker.ipv4_public(),
        "card": faker.credit_card_number(),
        "plate": faker.license_plate(),
        "passport": faker.passport_number(),
        "company": faker.company(),
        "old": str(rng.randrange(90, 104)),
        "stranger": f"{faker.first_name()} {faker.last_name()}",
    }
    who.said |= days_english(born, "b") | days_english(who.visit, "d")
    who.resources = [
        {
            "resourceType": "Patient",
            "id": f"pt-{mrn}",
            "birthDate": born.isoformat(),
            "gender": sex,
            "name": [{"family": last, "given": [first, middle]}],
            "identifier": [{"value": mrn}, {"value": ssn}],
            "telecom": [{"system": "phone", "value": phone}, {"system": "email", "value": who.said["email"]}],
            "address": [{"line": [street], "city": town, "state": state, "postalCode": zip}],
            "contact": [{"name": {"family": last, "given": [wife]}, "telecom": [{"system": "phone", "value": other}]}],
        },
        *(
            {"resourceType": "Practitioner", "name": [{"family": family, "given": [given]}]}
            for family, given in ((dlast, doctor), (nlast, nurse), (slast, surgeon))
        ),
    ]
    return who


def days_english(day: date, key: str) -> dict[str, str]:
    nth = "th" if 10 < day.day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
    return {
        f"{key}.us": f"{day.month}/{day.day}/{day.year}",
        f"{key}.us0": f"{day:%m/%d/%Y}",
        f"{key}.usy": f"{day:%m/%d/%y}",
        f"{key}.iso": day.isoformat(),
        f"{key}.long": f"{day:%B} {day.day}, {day.year}",
        f"{key}.nth": f"{day:%B} {day.day}{nth}",
        f"{key}.eu": f"{day.day} {day:%b %Y}",
        f"{key}.dash": f"{day:%d-%b-%Y}",
        f"{key}.short": f"{day.month}/{day.day}",
        f"{key}.month": f"{day:%B %Y}",
        f"{key}.run": f"{day:%Y%m%d}",
    }


# kind, form, sentence; {x} is a value, @...@ must go
ENGLISH = [
    ("patient", "full", "@{first} {last}@ was admitted from the emergency room."),
    ("patient", "title", "Mr. @{last}@ tolerated this well."),
    ("patient", "last-first", "Patient name: @{last}, {first} {middle}@"),
    ("patient", "capitals", "RE: @{FIRST} {LAST}@"),
    ("patient", "initial", "Thank you for referring @{f}. {last}@ to us."),
    ("patient", "first", "We discussed this with @{first}@ at length."),
    ("patient", "last", "Overall @{last}@ did fine overnight."),
    ("patient", "possessive", "We reviewed @{first}@'s imaging and agreed."),
    ("patient", "misspelt", "Later @{slip}@ complained of nausea again."),
    ("patient", "nickname", "The patient goes by @{nick}@ at home."),
    ("patient", "small", "note written for @{low}@ by the night team."),
    ("patient", "initials", "Consent signed by @{f}.{l}.@ before surgery."),
    ("relative", "kin", "History was given by the wife, @{wife}@."),
    ("relative", "plain", "@{wife}@ was at the bedside and agreed."),
    ("relative", "full", "Call @{wife} {last}@ with the result."),
    ("staff", "title", "Seen together with Dr. @{dlast}@ this morning."),
    ("staff", "degree", "@{dfirst} {dlast}@, MD, dictated this."),
    ("staff", "label", "SURGEON: @{sfirst} {slast}@, MD."),
    ("staff", "plain", "@{nfirst} {nlast}@ changed the dressing."),
    ("staff", "first", "Per @{nfirst}@ the drain was empty."),
    ("name", "stranger", "His neighbor @{stranger}@ found him on the floor."),
    ("phone", "dashes", "Reachable at @{phone}@ in the evening."),
    ("phone", "area", "Telephone @{phone.area}@."),
    ("phone", "dots", "Cell: @{phone.dots}@."),
    ("phone", "run", "Please call @{phone.run}@ tomorrow."),
    ("phone", "relative", "Her phone is @{other}@."),
    ("record-id", "label", "MRN: @{mrn}@."),
    ("record-id", "bare", "(@{mrn}@) was brought to the floor."),
    ("ssn", "dashes", "SSN @{ssn}@ on file."),
    ("email", "plain", "Send it to @{email}@ please."),
    ("url", "plain", "Photos are at @{url}@ for review."),
    ("ip", "plain", "The upload came from @{ip}@ last night."),
    ("card", "run", "Paid by card @{card}@."),
    ("plate", "label", "License plate @{plate}@ at the scene."),
    ("passport", "label", "Passport @{passport}@ was copied."),
    ("address", "street", "Lives at @{street}@ with a dog."),
    ("address", "whole", "Home address: @{street}, {town}@, {state} @{zip}@."),
    ("place", "town", "Grew up in @{town}@ and moved here."),
    ("birth", "label", "DOB: @{b.us0}@."),
    ("birth", "born", "Born @{b.long}@ at term."),
    ("birth", "plain", "Verified by @{b.us}@ and name."),
    ("date", "us", "Seen on @{d.us}@ in clinic."),
    ("date", "short year", "Surgery was on @{d.usy}@."),
    ("date", "iso", "CT of @{d.iso}@ was reviewed."),
    ("date", "long", "On @{d.long}@ the cast came off."),
    ("date", "no year", "Since @{d.nth}@ the pain is better."),
    ("date", "day month", "Biopsy @{d.eu}@ was benign."),
    ("date", "dashes", "Labs from @{d.dash}@ are normal."),
    ("date", "numbers, no year", "Follow up on @{d.short}@ at noon."),
    ("date", "month", "Chemotherapy ended in @{d.month}@."),
    ("date", "run", "Image @{d.run}@ is attached."),
    ("age", "hyphens", "This is a @{old}@-year-old resident of a home."),
    ("age", "years", "The mother died aged @{old}@."),
    ("organisation", "employer", "Works for @{company}@ as a driver."),
]

STREETS_ZH = ["解放", "人民", "建设", "和平", "北环", "望江", "学院", "长兴", "柳湖", "红星"]
HOUSES_ZH = ["阳光", "翠湖", "金桂", "东方", "锦绣", "紫荆"]


def drawn_chinese(faker: Any, rng: random.Random) -> Who:
    who = Who("zh", rng)
    name, wife, doctor, nurse, surgeon, stranger = (faker.name() for _ in range(6))
    cut = 2 if len(name) == 4 else 1
    phone, other, ssn = faker.phone_number(), faker.phone_number(), faker.ssn()
    mrn = str(rng.randrange(10**6, 10**8))
    province, city, district = faker.province(), faker.city_name() + "市", faker.district() + "区"
    road = f"{rng.choice(STREETS_ZH)}路{rng.randrange(1, 900)}号"
    house = f"{rng.choice(HOUSES_ZH)}小区{rng.randrange(1, 30)}栋{rng.randrange(1, 6)}单元{rng.randrange(101, 2500)}室"
    born = date(rng.randrange(1935, 2005), rng.randrange(1, 13), rng.randrange(1, 29))
    who.visit = date(2023, 1, 1) + timedelta(days=rng.randrange(700))
    who.said = {
        "name": name,
        "last": name[:cut],
        "first": name[cut:],
        "spaced": " ".join(name),
        "wife": wife,
        "doctor": doctor,
        "dlast": doctor[:1],
        "nurse": nurse,
        "surgeon": surgeon,
        "stranger": stranger,
        "phone": phone,
        "phone.spaced": f"{phone[:3]} {phone[3:7]} {phone[7:]}",
        "phone.dashes": f"{phone[:3]}-{phone[3:7]}-{phone[7:]}",
        "phone.full": "".join(chr(ord(one) + 0xFEE0) for one in phone),
        "other": other,
        "last4": phone[-4:],
        "land": f"0{rng.randrange(311, 999)}-{rng.randrange(2000000, 8999999)}",
        "ssn": ssn,
        "mrn": mrn,
        "address": f"{province}{city}{district}{road}{house}",
        "short": f"{city}{district}{road}",
        "road": road,
        "house": house,
        "city": city.removesuffix("市"),
        "email": faker.email(),
        "ip": faker.ipv4_public(),
        "card": faker.credit_card_number(),
        "plate": "".join(map(rng.choice, ("京沪粤浙苏", "ABCDE", "12345", "ABCD"))) + str(rng.randrange(100, 999)),
        "passport": f"E{rng.randrange(10**7, 10**8)}",
        "wx": f"wx{rng.choice(KEYS)}{rng.randrange(1000, 99999)}_{rng.choice(KEYS)}",
        "qq": str(rng.randrange(10**7, 10**10)),
        "old": str(rng.randrange(90, 104)),
        "work": f"{city}{rng.choice(HOUSES_ZH)}科技有限公司",
        "hospital": f"{city}第{rng.choice('一二三四')}人民医院",
        "b.han": f"{born.year}年{born.month}月{born.day}日",
        "b.iso": born.isoformat(),
        "d.han": f"{who.visit.year}年{who.visit.month}月{who.visit.day}日",
        "d.iso": who.visit.isoformat(),
        "d.dots": f"{who.visit.year}.{who.visit.month}.{who.visit.day}",
        "d.short": f"{who.visit.month}月{who.visit.day}日",
        "d.month": f"{who.visit.year}年{who.visit.month}月",
        "d.two": f"{who.visit.year % 100}年{who.visit.month}月{who.visit.day}日",
        "d.slash": f"{who.visit:%Y/%m/%d}",
    }
    who.resources = [
        {
            "resourceType": "Patient",
            "id": f"pt-{mrn}",
            "birthDate": born.isoformat(),
            "name": [{"text": name}],
            "identifier": [{"value": mrn}, {"value": ssn}],
            "telecom": [{"system": "phone", "value": phone}, {"system": "email", "value": who.said["email"]}],
            "address": [{"text": who.said["address"], "city": city}],
            "contact": [{"name": {"text": wife}, "telecom": [{"system": "phone", "value": other}]}],
        },
        *({"resourceType": "Practitioner", "name": [{"text": one}]} for one in (doctor, nurse, surgeon)),
    ]
    return who


CHINESE = [
    ("patient", "label", "患者姓名：@{name}@，"),
    ("patient", "before", "患者@{name}@因上述不适来诊。"),
    ("patient", "plain", "@{name}@今日精神可，饮食可。"),
    ("patient", "within", "已向@{name}@交代病情及注意事项。"),
    ("patient", "madam", "@{last}@女士诉夜间咳嗽加重。"),
    ("patient", "some", "@{last}某@，要求出院。"),
    ("patient", "given", "@{first}@对治疗表示理解。"),
    ("patient", "spaced", "姓　名：@{spaced}@ "),
    ("patient", "familiar", "老@{last}@说昨晚没睡好。"),
    ("relative", "kin", "其妻子@{wife}@代诉病史。"),
    ("relative", "label", "联系人：@{wife}@，关系：配偶。"),
    ("relative", "plain", "与@{wife}@沟通后同意手术。"),
    ("staff", "title", "@{doctor}@主任医师查房后指示继续观察。"),
    ("staff", "surname", "遵@{dlast}@主任意见调整用药。"),
    ("staff", "label", "责任护士：@{nurse}@。"),
    ("staff", "sign", "医师签名：@{doctor}@"),
    ("staff", "plain", "由@{surgeon}@主刀，过程顺利。"),
    ("name", "stranger", "邻居@{stranger}@陪同就诊。"),
    ("phone", "mobile", "联系电话@{phone}@。"),
    ("phone", "bare", "有事请打@{phone}@。"),
    ("phone", "spaced", "手机：@{phone.spaced}@。"),
    ("phone", "dashes", "电话@{phone.dashes}@。"),
    ("phone", "full width", "手机号@{phone.full}@。"),
    ("phone", "land line", "家中座机@{land}@。"),
    ("phone", "relative", "配偶电话：@{other}@。"),
    ("resident-id", "label", "身份证号：@{ssn}@。"),
    ("resident-id", "bare", "（@{ssn}@）已核对。"),
    ("record-id", "label", "住院号：@{mrn}@。"),
    ("record-id", "bare", "@{mrn}@床旁彩超已做。"),
    ("email", "plain", "报告请发@{email}@。"),
    ("ip", "plain", "上传地址@{ip}@。"),
    ("card", "label", "银行卡号@{card}@。"),
    ("account", "wechat", "微信号：@{wx}@。"),
    ("account", "qq", "QQ：@{qq}@。"),
    ("plate", "plain", "车牌@{plate}@送入院。"),
    ("passport", "label", "护照号@{passport}@。"),
    ("address", "whole", "家庭住址：@{address}@。"),
    ("address", "short", "现住@{short}@。"),
    ("address", "road", "在@{road}@附近摔倒。"),
    ("address", "house", "送药到@{house}@。"),
    ("place", "city", "长期在@{city}@务工。"),
    ("birth", "label", "出生日期：@{b.han}@。"),
    ("birth", "plain", "核对@{b.iso}@无误。"),
    ("date", "han", "@{d.han}@入院。"),
    ("date", "iso", "CT（@{d.iso}@）提示好转。"),
    ("date", "dots", "@{d.dots}@复查血常规。"),
    ("date", "no year", "@{d.short}@行手术治疗。"),
    ("date", "month", "自@{d.month}@起间断服药。"),
    ("date", "short year", "@{d.two}@出院。"),
    ("date", "slashes", "复诊@{d.slash}@。"),
    ("age", "years", "患者@{old}@岁，独居。"),
    ("organisation", "employer", "就职于@{work}@。"),
    ("organisation", "hospital", "曾在@{hospital}@就诊。"),
]


# written after the rules were last changed, and never used to change them
UNSEEN_ENGLISH = [
    ("patient", "greeting", "Dear @{first}@, your results are back."),
    ("patient", "bracket", "Sample received (@{LAST}, {f}.@) and processed."),
    ("patient", "underscore", "file saved as @{last}_{first}@ scan"),
    ("patient", "middle", "@{first} {middle}. {last}@ presents with this."),
    ("patient", "within quotes", 'She said "@{first}@ never complains".'),
    ("patient", "slashes", "Pt/@{last}@/bed by the window"),
    ("relative", "and", "Discussed with @{wife}@ and the interpreter."),
    ("relative", "hyphen", "@{wife} {last}-Moore@ signed as proxy."),
    ("staff", "initial", "Discussed with @{dfirst} {dlast}@ from cardiology."),
    ("staff", "at", "cc'd @{slast}@ on this"),
    ("phone", "words", "cell is @{phone.dots}@, voicemail ok"),
    ("phone", "country", "reach us under @+1 {phone.area}@ any time"),
    ("address", "moved", "Recently moved into @{street}@."),
    ("record-id", "hash", "pt #@{mrn}@ transferred"),
    ("birth", "short", "(born @{b.dash}@)"),
    ("date", "range", "Admitted @{d.us0}@-@{d.us0}@ for this."),
    ("date", "words", "the evening of @{d.nth}@ was calm"),
    ("age", "word", "He turned @{old}@ last week."),
]
UNSEEN_CHINESE = [
    ("patient", "bed", "12床@{name}@，术后第2天。"),
    ("patient", "quotes", "“@{name}@”已核对腕带。"),
    ("patient", "of", "@{name}@的检查结果已回报。"),
    ("patient", "uncle", "@{last}@叔叔今天下床活动。"),
    ("patient", "slashes", "@{name}@/男/内科"),
    ("relative", "and", "家属@{wife}@表示理解并签字。"),
    ("relative", "mother", "母亲叫@{wife}@，体健。"),
    ("staff", "night", "夜班@{nurse}@交班。"),
    ("staff", "please", "请@{dlast}@老师会诊。"),
    ("staff", "end", "以上由@{doctor}@记录"),
    ("phone", "country", "可拨+86 @{phone}@。"),
    ("phone", "last four", "手机尾号@{last4}@。"),
    ("address", "room", "家在@{house}@，步行来院。"),
    ("address", "born", "出生并长期居住于@{short}@。"),
    ("record-id", "film", "片号@{mrn}@。"),
    ("birth", "born", "@{b.han}@出生。"),
    ("date", "range", "@{d.dots}@至@{d.dots}@住院。"),
    ("age", "han", "享年@{old}@岁。"),
]


def filled(sentence: str, who: Who) -> tuple[str, list[tuple[int, int]]]:
    """The sentence with its values, and where what must go stands in it."""
    text, places, start = "", [], -1
    for piece in sentence.split("@"):
        for key, value in who.said.items():
            piece = piece.replace("{" + key + "}", value)
        if start < 0:
            text, start = text + piece, 0
            continue
        places.append((len(text), len(text) + len(piece)))
        text, start = text + piece, -1
    return text, places


def injected(note: str, who: Who, count: int, unseen: bool) -> tuple[str, list[Gold]]:
    """A note with `count` sentences put in between its own."""
    sets = (UNSEEN_ENGLISH, UNSEEN_CHINESE) if unseen else (ENGLISH, CHINESE)
    rows = who.rng.sample(sets[who.language == "zh"], count)
    ends = [
        at + 1 for at, sign in enumerate(note[:-1]) if sign in ".。！？\n" and (sign != "." or note[at + 1].isspace())
    ]
    cuts = sorted(who.rng.choices(ends or [len(note)], k=count))
    text, gold, last = "", [], 0
    for cut, (kind, form, sentence) in zip(cuts, rows, strict=True):
        said, places = filled(sentence, who)
        text += note[last:cut] + ("" if who.language == "zh" else " ")
        gold += [Gold(len(text) + start, len(text) + end, kind, form) for start, end in places]
        text, last = text + said + ("" if who.language == "zh" else " "), cut
    return text + note[last:], gold


def drawing(seed: int) -> tuple[Callable[[], Who], Callable[[], Who]]:
    """What draws English and Chinese identities, the same for a seed."""
    english, chinese = fakers()
    rng = random.Random(seed)
    english.seed_instance(seed)
    chinese.seed_instance(seed)
    return lambda: drawn_english(english, rng), lambda: drawn_chinese(chinese, rng)


def every(notes: list[str], draw: Callable[[], Who], count: int, unseen: bool) -> Iterator[tuple[str, list[Gold], Who]]:
    """Each note with its identity put in; `unseen`: in the forms that the rules were never changed by."""
    for note in notes:
        who = draw()
        yield *injected(note, who, count, unseen), who
