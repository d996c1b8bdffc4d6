"""The first letter of a Chinese character's pinyin.

GB 2312 orders its 3,755 common characters by their sound, so that a character's place there tells its letter; the
rarer ones that names of diseases need stand in a table of ours. https://www.unicode.org/charts/unihan.html
"""

# where in the common part of GB 2312 a letter begins: 0xB0A1 is its first place
BEGINNINGS = "a啊b芭c擦d搭e蛾f发g噶h哈j击k喀l垃m妈n拿o哦p啪q期r然s撒t塌w挖x昔y压z匝"
LAST = 0xD7F9
RARER = {
    "a": "嗳铵",
    "b": "孢瘢卟髌膑苄痹",
    "c": "猝痤",
    "d": "窦癫疸癜啶骶哚丁",
    "e": "腭呃",
    "f": "腓跗呋痱酚",
    "g": "骼睾胱疳膈肱胍苷佝",
    "h": "踝颌骺蛔",
    "j": "腱睑厥嵴疖胛拮胫疽痂睫疥痉",
    "k": "髋髁喹醌",
    "l": "瘘呤啉瘰疬痨痢偻",
    "m": "嘧螨咪",
    "n": "蛲颞衄疟",
    "p": "疱蜱嘌胼哌",
    "q": "憩髂颧嗪羟巯龋",
    "r": "桡妊",
    "s": "疝瘙腧噻痧娠",
    "t": "绦",
    "w": "鹉痿",
    "x": "痫癎荨癣酰涎",
    "y": "蚴龈鹦疣痈吲癔瘀瘿恙噎",
    "z": "痣肫谵胝潴痔疹唑眦侏",
}


def placed(character: str) -> int:
    first, second = character.encode("gb2312")
    return first << 8 | second


def table() -> dict[int, str]:
    """Unicode number of a character -> its letter; of all other Chinese characters -> "?"."""
    found = {number: "?" for number in range(0x3400, 0x9FFF)}
    beginnings = [(placed(BEGINNINGS[at + 1]), BEGINNINGS[at]) for at in range(0, len(BEGINNINGS), 2)]
    for (first, letter), (following, _) in zip(beginnings, [*beginnings[1:], (LAST + 1, "")], strict=True):
        for place in range(first, following):
            if place & 0xFF in range(0xA1, 0xFF):
                found[ord(place.to_bytes(2, "big").decode("gb2312"))] = letter
    return found | {ord(character): letter for letter, those in RARER.items() for character in those}


INITIALS = table()
