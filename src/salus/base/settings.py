"""What an installation may be told: `SALUS_…` in the environment, or a TOML file of the same names in lower case.

The environment wins over the file, the file over what is usual. The file is `$SALUS_CONFIG`, or `salus.toml` where
the program is started. TOML: https://toml.io/en/v1.0.0
"""

import os
import secrets
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from salus.base.errors import Invalid
from salus.base.words import LANGUAGES

PREFIX = "SALUS_"
USUAL_ZONE = ZoneInfo("Asia/Shanghai")
SWITCH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True)
class Settings:
    """One installation. Folders that are not named stand inside `folder`. `store` is a file, or the URL of a database.

    `address` is how the world calls this server, when not by host and port: it stands in notifications.
    `notify_allow`: hosts and networks that notifications may go to (empty: any public one); `notify_plain`: by http to
    this machine too, for development. `topics`: a folder with a site's own topics. `reminders`: a TOML file that says
    when people are reminded, and where notices are sent.
    `secret` signs sessions and tokens (at least 32 bytes). `demo` opens the demonstration accounts, which have no
    password: never beside real patients. `language` is what is spoken to someone who has said nothing ("en", "zh").
    `payments`: the payment providers in use, such as `cash`. `zone`: where a day of the house begins and ends.
    `video`: the address of a room on the site's own video server, with `{room}` in it. `publish_slots`: free times are
    shown to everybody, without an account.
    `country` (ISO 3166-1): whose law says how long parents act for a child (`places/minors.toml`).
    `profiles`: what resources of a type must meet to be stored, by canonical address.
    """

    folder: Path
    store: Path | str
    registry: Path
    events: Path
    secret: bytes
    host: str = "127.0.0.1"
    port: int = 8000
    demo: bool = False
    language: str = "en"
    profiles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    address: str = ""
    notify_allow: tuple[str, ...] = ()
    notify_plain: bool = False
    topics: Path | None = None
    reminders: Path | None = None
    payments: tuple[str, ...] = ("cash",)
    zone: ZoneInfo = USUAL_ZONE
    video: str = ""
    publish_slots: bool = False
    country: str = "CN"


def settings(environment: Mapping[str, str] = os.environ, file: Path | None = None, **given: object) -> Settings:
    """The settings of this installation; `given` (from a command's options, None for not given) wins over all.

    Makes the folder and, once, the secret in it, which only its owner may read (mode 0600).
    Raises Invalid for a name we do not know, a port out of range, a language we do not speak.
    """
    told = told_by(environment, file) | {name: value for name, value in given.items() if value is not None}
    check_names(told)
    folder = Path(str(told.pop("folder", "var"))).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    usual = {"folder": folder, "store": folder / "salus.db", "registry": folder / "models", "events": folder / "events"}
    read = {name: READERS[name](value) for name, value in told.items()}
    if "secret" not in read:
        read["secret"] = kept_secret(folder / "secret")
    made = usual | read
    return Settings(**{**made, "store": with_folder(made["store"], folder)})


def told_by(environment: Mapping[str, str], file: Path | None) -> dict[str, Any]:
    """What the file says, then what the environment says over it. Raises Invalid when the file is not TOML."""
    path = file or Path(environment.get("SALUS_CONFIG", "salus.toml"))
    names = {one.name for one in fields(Settings)}
    spoken = {name: environment[PREFIX + name.upper()] for name in names if PREFIX + name.upper() in environment}
    if not path.is_file():
        return spoken
    try:
        return tomllib.loads(path.read_text("utf-8")) | spoken
    except tomllib.TOMLDecodeError as fault:
        raise Invalid(f"{path} is not TOML ({fault}): mend that line", path=str(path)) from fault


def check_names(told: Mapping[str, object]) -> None:
    """Raises Invalid for a setting that does not exist, naming those that do."""
    known = [one.name for one in fields(Settings)]
    for name in told:
        if name not in known:
            raise Invalid(f"There is no setting {name!r}: the settings are {', '.join(known)}", path=name)


def kept_secret(path: Path) -> bytes:
    """The secret in that file; when there is none, 32 new random bytes are put there first, for its owner alone."""
    try:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return secret_of(path.read_text("ascii").strip())
    with os.fdopen(made, "w") as file:
        file.write(secrets.token_hex(32))
    return secret_of(path.read_text("ascii"))


def secret_of(value: object) -> bytes:
    """Raises Invalid when the secret is too short to sign with."""
    secret = str(value).encode()
    if len(secret) < 32:
        raise Invalid(f"The secret has {len(secret)} bytes, and must have at least 32: remove it and a new one is made")
    return secret


def path_of(value: object) -> Path:
    """
    >>> path_of("var/salus.db").name
    'salus.db'
    """
    return Path(str(value)).expanduser()


def store_of(value: object) -> Path | str:
    """A file, or the URL of a database.

    >>> store_of("postgresql://ward@db/records"), store_of("var/salus.db").name
    ('postgresql://ward@db/records', 'salus.db')
    """
    return str(value) if "://" in str(value) else path_of(value)


def with_folder(store: Path | str, folder: Path) -> Path | str:
    """The URL of a database says too where the files are that belong to the store; those of a file lie beside it.

    >>> with_folder("postgresql://db/records?schema=ward", Path("var"))
    'postgresql://db/records?schema=ward&folder=var'
    """
    if isinstance(store, Path) or "folder=" in store:
        return store
    return f"{store}{'&' if '?' in store else '?'}{urlencode({'folder': folder})}"


def port_of(value: object) -> int:
    """A TCP port. Raises Invalid outside 0 to 65535 (0: any that is free).

    >>> port_of("8080")
    8080
    """
    if not str(value).isdecimal() or int(str(value)) > 65535:
        raise Invalid(f"port {value!r} is not a whole number from 0 to 65535", path="port")
    return int(str(value))


def switch_of(value: object) -> bool:
    """
    >>> switch_of("on"), switch_of(False)
    (True, False)
    """
    word = str(value).strip().lower()
    if word not in SWITCH:
        raise Invalid(f"{value!r} is neither on nor off")
    return SWITCH[word]


def video_of(value: object) -> str:
    """Raises Invalid for what is no address of a room.

    >>> video_of("https://meet.example.org/{room}")
    'https://meet.example.org/{room}'
    """
    text = str(value)
    if text and not (text.startswith("https://") and text.count("{room}") == 1):
        raise Invalid(f"video {text[:80]!r} is no address: write https://, with {{room}} in it once", path="video")
    return text


def names_of(value: object) -> tuple[str, ...]:
    """A list, or names between commas.

    >>> names_of("lis.ward.example, 10.2.0.0/16")
    ('lis.ward.example', '10.2.0.0/16')
    """
    found = value if isinstance(value, list | tuple) else str(value).split(",")
    return tuple(str(name).strip().lower() for name in found if str(name).strip())


def language_of(value: object) -> str:
    """Raises Invalid for a language the house does not speak."""
    if value not in LANGUAGES:
        raise Invalid(f"language {value!r} is not one of {', '.join(LANGUAGES)}", path="language")
    return str(value)


def zone_of(value: object) -> ZoneInfo:
    """Raises Invalid for what is no zone of the IANA database.

    >>> zone_of("Europe/Oslo").key
    'Europe/Oslo'
    """
    try:
        return ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError) as fault:
        raise Invalid(f"{value!r} is no time zone: name one such as Asia/Shanghai", path="zone") from fault


def country_of(value: object) -> str:
    """Raises Invalid for what is no code of a country.

    >>> country_of("us")
    'US'
    """
    text = str(value).strip().upper()
    if len(text) != 2 or not text.isascii() or not text.isalpha():
        raise Invalid(f"country {str(value)[:20]!r} is no code of two letters: write one such as CN", path="country")
    return text


def profiles_of(value: object) -> dict[str, tuple[str, ...]]:
    """Resource type -> profiles, from a table or from words `Type=address`. Raises Invalid for anything else.

    >>> profiles_of("Patient=urn:a Patient=urn:b")
    {'Patient': ('urn:a', 'urn:b')}
    """
    told: dict[str, tuple[str, ...]] = {}
    pairs = value.items() if isinstance(value, dict) else [word.partition("=")[::2] for word in str(value).split()]
    for type, given in pairs:
        urls = [given] if isinstance(given, str) else given
        if not isinstance(urls, list) or not all(isinstance(url, str) and ":" in url for url in urls):
            raise Invalid(
                f"profiles: {type} has {given!r}, no address of a profile: write Type=address", path="profiles"
            )
        told[type] = (*told.get(type, ()), *urls)
    return told


READERS: dict[str, Callable[[object], Any]] = {
    "store": store_of,
    "registry": path_of,
    "events": path_of,
    "secret": secret_of,
    "host": str,
    "port": port_of,
    "demo": switch_of,
    "address": str,
    "notify_allow": names_of,
    "notify_plain": switch_of,
    "topics": path_of,
    "reminders": path_of,
    "payments": names_of,
    "video": video_of,
    "publish_slots": switch_of,
    "zone": zone_of,
    "country": country_of,
    "language": language_of,
    "profiles": profiles_of,
}
