"""The small file that says what the columns of a CSV mean (TOML).

subject = "patient_id"            # the columns, by name
time = "taken_at"
code = "test"
value = "result"
unit = "unit"                     # or: fixed_unit = "mmol/L"
system = "http://loinc.org"       # of the codes
subject_system = "https://hospital.example/mrn"
time_format = "%d/%m/%Y %H:%M"    # when it is not ISO 8601
zone = "Asia/Shanghai"            # of times without one; else UTC
recorded = "reported_at"          # optional: when the ward could know
birth_date = "born"               # optional, with sex: they make the Patient
sex = "sex"

[codes]                           # words in the code column -> code
"糖化血红蛋白" = "4548-4"
[sexes]
"男" = "male"
[columns.glucose]                 # a table with a column for each measurement, instead of code and value
code = "2345-7"
unit = "mg/dL"
"""

import tomllib
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from salus.base.errors import Invalid, Malformed, Missing


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a column of a wide table holds."""

    code: str
    unit: str = ""
    system: str = ""


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file above, read. Names of columns, except where the comment there says otherwise."""

    subject: str
    time: str
    code: str = ""
    value: str = ""
    unit: str = ""
    fixed_unit: str = ""
    system: str = "http://loinc.org"
    subject_system: str = ""
    time_format: str = ""
    zone: str = "UTC"
    recorded: str = ""
    birth_date: str = ""
    sex: str = ""
    delimiter: str = ""
    encoding: str = ""
    codes: dict[str, str] = {}
    sexes: dict[str, str] = {}
    columns: dict[str, Measured] = {}

    def needed(self) -> list[str]:
        """The columns that must be in the CSV."""
        named = [self.subject, self.time, self.code, self.value, self.unit, self.recorded, self.birth_date, self.sex]
        return [*filter(None, named), *self.columns]

    def timezone(self) -> tzinfo:
        return UTC if self.zone == "UTC" else ZoneInfo(self.zone)


def read_mapping(path: Path) -> Mapping:
    """Raises Missing, Malformed (no TOML), Invalid (a key we do not know, a zone that does not exist, no code)."""
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        mapping = msgspec.convert(table, Mapping)
        mapping.timezone()
    except FileNotFoundError:
        raise Missing(f"There is no mapping file {path}: check the path", path=str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise Malformed(f"{path} is not TOML ({fault}): mend that line", path=str(path)) from fault
    except msgspec.ValidationError as fault:
        raise Invalid(
            f"{path}: {fault}; the keys are {', '.join(Mapping.__struct_fields__)}", path=str(path)
        ) from fault
    except (ZoneInfoNotFoundError, ValueError) as fault:
        raise Invalid(f"{path}: the zone is not known ({fault}): write one such as Asia/Shanghai") from fault
    if not mapping.columns and not (mapping.code and mapping.value):
        raise Invalid(f"{path}: name the columns `code` and `value`, or give `[columns.NAME]` tables", path=str(path))
    return mapping
