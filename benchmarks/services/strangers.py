"""Made-up people, how they are written down again at a desk, and others who are like them: the truth that
`matching.py` measures against. Shares of slips are guesses, said here: no hospital's.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from salus.codes.terminology.syllables import surname_syllables, syllable
from salus.places.identity import check_digit

Patient = dict[str, Any]
# common family names, the commonest first; shares fall as 1/(rank + 3)
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
    "姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
DOUBLE = ("欧阳", "司徒", "上官")
GIVEN = (
    "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂文辉玲华红建国志海燕玉春梅雪婷慧欣怡雨桐诗涵子晓倩思琪浩宇轩梓博文俊凯鑫鹏飞"
    "林峰云波斌宁龙凤珍珠莲花香月清秋冬夏东南西北山水金银铜铁木火土福禄寿喜庆祥瑞安康乐和顺利达成功名义仁礼智信忠孝贤良德才学"
    "嘉佳家琳琴琼瑶瑾璐晨晴阳光昊天佑泽润沛然若彤欢悦萌可心爱美真善"
)
ENGLISH = (
    "Smith",
    "Jones",
    "Garcia",
    "Müller",
    "Nguyen",
    "Kim",
    "Tanaka",
    "Ivanov",
    "Brown",
    "Wilson",
    "Rossi",
    "Silva",
)
FIRST = (
    "Anna",
    "Maria",
    "John",
    "Peter",
    "Laura",
    "David",
    "Sofia",
    "Daniel",
    "Emma",
    "Lucas",
    "Olga",
    "Yuki",
    "Thomas",
)
WAYS = (
    ("", 0.74),
    ("pinyin", 0.08),
    ("pinyin turned", 0.03),
    ("homophone", 0.06),
    ("character", 0.03),
    ("missing", 0.02),
    ("hearing", 0.03),
    ("initials", 0.01),
)  # how a name is written down again
MRN, RESIDENT = "https://salus.example/mrn", "https://salus.example/resident-id"
ENDS = date(2026, 1, 1)


@dataclass
class City:
    rng: Random
    number: int = 0

    def person(self, like: Patient | None = None, **fixed: Any) -> Patient:
        """Somebody new, with what is `fixed` of another."""
        rng, self.number = self.rng, self.number + 1
        sex = fixed.get("sex") or rng.choice(("female", "male"))
        born = fixed.get("born") or ENDS - timedelta(days=int(rng.triangular(0, 95, 50) * 365.25))
        name = fixed.get("name") or self.name()
        phone = fixed.get("phone") or f"1{rng.choice((3, 5, 7, 8, 9))}{rng.randrange(10**9):09}"
        held = [{"system": MRN, "value": f"{70_000_000 + self.number}"}]
        if rng.random() < 0.7:
            held.append({"system": RESIDENT, "value": resident(rng, born, sex)})
        return {
            "resourceType": "Patient",
            "id": f"x{self.number}",
            "identifier": held,
            "name": written(name, rng.random() < 0.6),
            "gender": sex,
            "birthDate": born.isoformat(),
            "telecom": [{"system": "phone", "value": phone}] if rng.random() < 0.9 else [],
        }

    def name(self) -> tuple[str, str]:
        """Family and given name; one in fifty is not Chinese."""
        rng = self.rng
        if rng.random() < 0.02:
            return rng.choice(ENGLISH), rng.choice(FIRST)
        shares = [1 / (rank + 3) for rank in range(len(SURNAMES))]
        family = rng.choice(DOUBLE) if rng.random() < 0.003 else rng.choices(SURNAMES, shares)[0]
        return family, "".join(rng.choices(GIVEN, k=1 if rng.random() < 0.18 else 2))

    # --- the same person once more ---

    def again(self, patient: Patient) -> tuple[Patient, list[str]]:
        """As somebody writes them down who does not know that they are here, and what slipped."""
        rng, slips = self.rng, []
        told = {key: value for key, value in patient.items() if key not in ("id", "meta")}
        family, given = parts(patient)
        told["name"] = [{"text": self.misnamed(family, given, slips)}]
        told["birthDate"] = self.misdated(date.fromisoformat(patient["birthDate"]), slips)
        told["identifier"] = self.held(patient, slips)
        told["telecom"] = self.phoned(patient, slips)
        if rng.random() < 0.01:
            told["gender"] = "male" if patient["gender"] == "female" else "female"
            slips.append("sex")
        return {key: value for key, value in told.items() if value}, slips

    def misnamed(self, family: str, given: str, slips: list[str]) -> str:
        if family.isascii() or "ü" in family:
            return english(self.rng, family, given, slips)
        way = self.rng.choices([way for way, _ in WAYS], [share for _, share in WAYS])[0]
        if way:
            slips.append(f"name: {way}")
        return respelt(self.rng, family, given, way)

    def misdated(self, born: date, slips: list[str]) -> str:
        rng, drawn = self.rng, self.rng.random()
        if drawn < 0.90:
            return born.isoformat()
        if drawn < 0.92:
            slips.append("date: missing")
            return ""
        if drawn < 0.94 and born.day <= 12 and born.day != born.month:
            slips.append("date: turned")
            return date(born.year, born.day, born.month).isoformat()
        slips.append("date: a digit")
        if drawn < 0.97:
            return (born + timedelta(days=rng.choice((-1, 1, 10, -10)))).isoformat()
        year = born.year + rng.choice((-1, 1, -10, 10))
        return born.replace(year=year, day=min(born.day, 28)).isoformat()

    def held(self, patient: Patient, slips: list[str]) -> list[dict[str, str]]:
        """Half have their card with them; who has not has no number, a few say one with a slip that proves itself."""
        own = [one for one in patient["identifier"] if one["system"] == RESIDENT]
        if own and self.rng.random() < 0.5:
            return own
        if own and self.rng.random() < 0.01:
            slips.append("number: another's")
            return [{"system": RESIDENT, "value": resident(self.rng, date.fromisoformat(patient["birthDate"]), "male")}]
        slips.append("number: none")
        return []

    def phoned(self, patient: Patient, slips: list[str]) -> list[dict[str, str]]:
        rng, drawn = self.rng, self.rng.random()
        own = patient["telecom"]
        if not own or drawn < 0.08:
            slips.append("phone: none")
            return []
        number = own[0]["value"]
        if drawn < 0.28:
            slips.append("phone: new")
            number = f"13{rng.randrange(10**9):09}"
        elif drawn < 0.31:
            slips.append("phone: a digit")
            at = rng.randrange(3, 11)
            number = number[:at] + str((int(number[at]) + 1) % 10) + number[at + 1 :]
        return [{"system": "phone", "value": f"+86 {number}" if rng.random() < 0.1 else number}]

    # --- others ---

    def relative(self, patient: Patient) -> tuple[Patient, str]:
        """Somebody else who is like this one."""
        rng, (family, given) = self.rng, parts(patient)
        phone = next((one["value"] for one in patient["telecom"]), None)
        born = date.fromisoformat(patient["birthDate"])
        other = self.name()[1]
        ways: dict[str, dict[str, Any]] = {
            "twin": {
                "name": (family, given[:1] + other[:1] if len(given) > 1 else other),
                "born": born,
                "phone": phone,
            },
            "brother or sister": {"name": (family, given[:1] + other[:1]), "phone": phone},
            "child": {"name": (family, other), "phone": phone},
            "wife or husband": {"name": (self.name()[0], other), "phone": phone},
            "same name": {"name": (family, given)},
            "same birthday": {"born": born, "sex": patient["gender"]},
            "same name and year": {"name": (family, given), "born": born.replace(month=rng.randrange(1, 13), day=15)},
        }
        way = rng.choice(list(ways))
        return self.person(**ways[way]), way


def written(name: tuple[str, str], both: bool) -> list[dict[str, Any]]:
    family, given = name
    if family.isascii() or "ü" in family:
        return [{"family": family, "given": [given]}]
    own = [{"text": family + given, "family": family, "given": [given]}]
    return [*own, {"text": f"{pinyin(family, True)} {pinyin(given)}".title()}] if both else own


def parts(patient: Patient) -> tuple[str, str]:
    one = patient["name"][0]
    return one["family"], one["given"][0]


def pinyin(text: str, surname: bool = False) -> str:
    return "".join(one or "" for one in (surname_syllables(text) if surname else map(syllable, text)))


def english(rng: Random, family: str, given: str, slips: list[str]) -> str:
    if rng.random() < 0.15:
        slips.append("name: a letter")
        at = rng.randrange(1, len(family))
        family = family[:at] + family[at + 1 :]
    return f"{given} {family}" if rng.random() < 0.7 else f"{family.upper()}, {given}"


def respelt(rng: Random, family: str, given: str, way: str) -> str:
    at = rng.randrange(len(given))
    ways = {
        "": lambda: family + given,
        "pinyin": lambda: f"{pinyin(family, True)} {pinyin(given)}",
        "pinyin turned": lambda: f"{pinyin(given).title()} {pinyin(family, True).upper()}",
        "homophone": lambda: family + given[:at] + homophone(rng, given[at]) + given[at + 1 :],
        "character": lambda: family + given[:at] + rng.choice(GIVEN) + given[at + 1 :],
        "missing": lambda: family + given[:at] + given[at + 1 :] if len(given) > 1 else family + given,
        "hearing": lambda: misheard(f"{pinyin(family, True)} {pinyin(given)}"),
        "initials": lambda: "".join((syllable(one) or "x")[0] for one in family + given),
    }
    return ways[way]()


def homophone(rng: Random, character: str) -> str:
    """Another common character of the same sound, else itself."""
    sound = syllable(character)
    same = [one for one in GIVEN + SURNAMES if syllable(one) == sound and one != character]
    return rng.choice(same) if same else character


def misheard(sound: str) -> str:
    for right, wrong in (("ing", "in"), ("zh", "z"), ("sh", "s"), ("n", "l"), ("en", "eng")):
        if right in sound:
            return sound.replace(right, wrong, 1)
    return sound


def resident(rng: Random, born: date, sex: str) -> str:
    order = rng.randrange(0, 500) * 2 + (sex == "male")
    first = f"{rng.choice((110105, 310104, 440106, 510107, 420111))}{born:%Y%m%d}{order:03}"
    return first + check_digit(first)
