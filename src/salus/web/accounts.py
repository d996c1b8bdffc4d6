"""The demonstration accounts, one for each role that has pages.

They have no password and open only when `demo` is on.
"""

from dataclasses import dataclass

from salus.privacy import Actor, Purpose, Role


@dataclass(frozen=True, slots=True)
class Account:
    """Someone who can sign in: the actor that the audit names, the purpose of what they do, the page they start at."""

    key: str
    en: str
    zh: str
    actor: Actor
    purpose: Purpose
    home: str

    def name(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


def account(key: str, en: str, zh: str, role: Role, purpose: Purpose, home: str) -> Account:
    return Account(key, en, zh, Actor(f"Practitioner/demo-{key}", role), purpose, home)


def patient(key: str, id: str, en: str, zh: str) -> Account:
    """Somebody who sees their own record alone: of the demonstration city, the first of the people shown."""
    return Account(key, en, zh, Actor(f"Patient/{id}", Role.PATIENT, id), Purpose.PATIENT_REQUEST, "/mine")


ACCOUNTS = {
    one.key: one
    for one in (
        account("clinician", "Dr Chen Yu", "陈宇医生", Role.CLINICIAN, Purpose.TREATMENT, "/patients"),
        account("nurse", "Nurse Lin Fang", "林芳护士", Role.NURSE, Purpose.TREATMENT, "/patients"),
        account("desk", "Liu Yan", "刘燕", Role.DESK, Purpose.OPERATIONS, "/reception"),
        account("pharmacist", "He Qing", "何青药师", Role.PHARMACIST, Purpose.TREATMENT, "/pharmacy"),
        account("technician", "Tang Wei", "唐伟技师", Role.TECHNICIAN, Purpose.TREATMENT, "/laboratory"),
        account("scientist", "Zhao Min", "赵敏", Role.DATA_SCIENTIST, Purpose.RESEARCH, "/models"),
        patient("patient", "showcase-1", "Wang Jianguo", "王建国"),
        patient("mother", "showcase-mother", "Gao Yun", "高芸"),
        account("cashier", "Zhou Ting", "周婷", Role.CASHIER, Purpose.PAYMENT, "/billing"),
        account("auditor", "He Jun", "何俊", Role.AUDITOR, Purpose.PAYMENT, "/books"),
        account("curator", "Sun Li", "孙莉", Role.CURATOR, Purpose.OPERATIONS, "/cases/gate"),
        account("administrator", "Wu Gang", "吴刚", Role.ADMINISTRATOR, Purpose.OPERATIONS, "/audit"),
    )
}

FOR_OTHERS = frozenset({"mine", "services"})  # rooms where somebody may act for a child
# which roles have which pages; what they may read there is for `privacy` to say, at the store's door
CARERS = frozenset({Role.CLINICIAN, Role.NURSE})
ROOMS: dict[str, frozenset[Role]] = {
    "clinic": frozenset({Role.CLINICIAN}),
    "patients": CARERS,
    "models": CARERS | {Role.DATA_SCIENTIST, Role.ADMINISTRATOR},
    "safety": frozenset({Role.CLINICIAN, Role.ADMINISTRATOR}),
    "cases": CARERS | {Role.DATA_SCIENTIST},
    "quizzes": CARERS | {Role.ADMINISTRATOR},
    "tasks": CARERS,
    "reception": frozenset({Role.DESK}),
    "pharmacy": frozenset({Role.PHARMACIST}),
    "laboratory": frozenset({Role.TECHNICIAN, Role.NURSE}),
    "procedures": CARERS | {Role.TECHNICIAN},
    "mine": frozenset({Role.PATIENT}),
    "calendar": frozenset({Role.PATIENT, Role.CLINICIAN}),
    "services": frozenset({Role.PATIENT}),
    "cases/gate": frozenset({Role.CURATOR}),
    "billing": frozenset({Role.CASHIER}),
    "books": frozenset({Role.CASHIER, Role.AUDITOR}),
    "audit": frozenset({Role.ADMINISTRATOR}),
    "notices": frozenset({Role.ADMINISTRATOR}),
}
