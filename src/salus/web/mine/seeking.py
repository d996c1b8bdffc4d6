"""Departments and doctors by what was typed: part of a name in either language, pinyin, first letters."""

from collections.abc import Sequence
from typing import Any

from salus.assistants.suggestion import Name
from salus.codes.terminology.syllables import syllable
from salus.services.appointments.brochure import Clinic
from salus.services.reception.matching.names import name_of


def looked_for(clinics: Sequence[Clinic], words: str) -> dict[str, Any]:
    """The departments, and the doctors with their clinics, whose names hold the words; no doctors for no words."""
    departments = {one.code: one.department for one in clinics if holds(one.department, words)}
    doctors = [
        (one, clinic)
        for clinic in clinics
        for one in clinic.doctors
        if words and (holds(one.name, words) or called(one.name, words) or (one.focus and holds(one.focus, words)))
    ]
    return {"departments": departments, "doctors": doctors}


def holds(name: Name, words: str) -> bool:
    """Whether a name has the words in it, or sounds like them.

    >>> [holds(Name("Eyes", "眼科"), words) for words in ("eye", "ear", "眼", "yanke", "yk")]
    [True, False, True, True, True]
    """
    typed = words.casefold()
    return typed in f"{name.en} {name.zh}".casefold() or sounds(name.zh, typed.replace(" ", ""))


def sounds(text: str, typed: str) -> bool:
    """Whether letters spell a Chinese text from one of its characters on: in pinyin, or by first letters.

    >>> sounds("心血管内科", "neike"), sounds("心血管内科", "xxg"), sounds("心血管内科", "e"), sounds("耳", "")
    (True, True, False, False)
    """
    if len(typed) < 2 or not typed.isascii():
        return False
    spelled = [syllable(one) or one for one in text]
    rests = [spelled[at:] for at in range(len(spelled))]
    return any("".join(rest).startswith(typed) or "".join(one[0] for one in rest).startswith(typed) for rest in rests)


def called(name: Name, words: str) -> bool:
    """Whether letters begin a person's name, in whichever order it is said.

    >>> [called(Name("Wang Yutong", "王雨桐"), words) for words in ("yutong wang", "wangyu", "wyt", "tong")]
    [True, True, True, False]
    """
    typed, found = words.casefold().replace(" ", ""), name_of(name.zh)
    return len(typed) > 1 and any(one.startswith(typed) for one in (*found.sounds, *found.initials))
