"""A Subscription resource, understood: which topic, narrowed how, told where, with how much in it.

R4 with the backport profile:
http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from salus import fhir
from salus.base.errors import Invalid, SalusError, Unsupported
from salus.base.outbound import Destination, Rules, destination
from salus.base.posting import check_header
from salus.subscriptions.conditions import Seen, Test, condition
from salus.subscriptions.topics import Happening, Topic, Topics

PROFILE = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
CHANNELS = "https://salus.example/CodeSystem/subscription-channel"
REST_HOOK, SSE = "rest-hook", "sse"
CONTENTS = ("empty", "id-only", "full-resource")
PAYLOADS = ("application/fhir+json", "application/json")
MASK = "******"
MOST_HEADERS, LONGEST_HEADER, MOST_FILTERS = 20, 4096, 20
OURS = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"}
)  # headers that say how the message is written

# extension of the channel: usual value, least, most
NUMBERS = {
    "backport-heartbeat-period": (0, 1, 30 * 86_400),  # seconds; 0: none
    "backport-timeout": (20, 1, 60),  # seconds
    "backport-max-count": (50, 1, 200),  # events
}


@dataclass(frozen=True, slots=True)
class Wish:
    """`filters`: what must hold of a resource of each type. `headers`: names and values, which may be masked."""

    id: str
    status: str
    topic: Topic
    filters: Mapping[str, list[Test]]
    end: datetime | None
    channel: str
    endpoint: Destination | None
    headers: tuple[tuple[str, str], ...]
    content: str
    heartbeat: int
    timeout: int
    most: int

    def takes(self, what: Happening) -> bool:
        """Whether a change that the topic is about passes the filters, in time."""
        seen: Seen = what.focus
        in_time = self.end is None or seen.version.updated < self.end
        return in_time and all(test(seen) for test in self.filters.get(seen.version.type, ()))


def wish(body: Mapping[str, Any], topics: Topics, rules: Rules) -> Wish:
    """Raises Invalid, with the path, for what is not served; Unsupported for a channel that is not."""
    topic = topic_of(body["criteria"], topics)
    channel = body["channel"]
    kind = channel_of(channel)
    numbers = {name: number(channel, name, *limits) for name, limits in NUMBERS.items()}
    return Wish(
        id=body.get("id", ""),
        status=body["status"],
        topic=topic,
        filters=filters(body.get("_criteria") or {}, topic),
        end=end_of(body.get("end")),
        channel=kind,
        endpoint=endpoint_of(channel, kind, rules),
        headers=headers_of(channel.get("header", []), kind),
        content=content_of(channel),
        heartbeat=numbers["backport-heartbeat-period"],
        timeout=numbers["backport-timeout"],
        most=numbers["backport-max-count"],
    )


def extensions(element: Mapping[str, Any] | None, name: str) -> list[Any]:
    """The values of the backport's extension of this name."""
    found = [one for one in (element or {}).get("extension", []) if one.get("url") == PROFILE + name]
    return [next((value for key, value in one.items() if key.startswith("value")), None) for one in found]


def topic_of(criteria: str, topics: Topics) -> Topic:
    url, _, version = criteria.partition("|")
    found = topics.get(url)
    if found is None or (version and version != found.table.version):
        raise Invalid(
            f"criteria '{criteria[:200]}' is not a topic of this server: use one of {', '.join(sorted(topics))}"
            " (GET /fhir/SubscriptionTopic); searches as criteria are not served",
            path="Subscription.criteria",
        )
    return found


def filters(element: Mapping[str, Any], topic: Topic) -> dict[str, list[Test]]:
    """What `backport-filter-criteria` asks: `Type?name=value&...`, or without the type where the topic has only one."""
    found: dict[str, list[Test]] = {}
    texts = extensions(element, "backport-filter-criteria")
    if len(texts) > MOST_FILTERS:
        raise wrong("criteria", f"{len(texts)} filters are too many: give {MOST_FILTERS} at most")
    for text in texts:
        head, mark, query = str(text).partition("?")
        type, query = (head, query) if mark else (topic.types[0], head)
        if type not in topic.types or (not mark and len(topic.types) > 1):
            raise wrong(
                "criteria", f"the filter '{str(text)[:100]}' must begin with {' or '.join(topic.types)} and a ?"
            )
        pairs = parse_qsl(query, keep_blank_values=True)
        if not pairs:
            raise wrong("criteria", f"the filter '{str(text)[:100]}' asks nothing: write {type}?name=value")
        found.setdefault(type, []).extend(filter_of(type, key, value, topic) for key, value in pairs)
    return found


def filter_of(type: str, key: str, value: str, topic: Topic) -> Test:
    name, _, modifier = key.partition(":")
    known = topic.filters(type)
    if name not in known or (modifier and modifier not in known[name]):
        raise wrong("criteria", f"the topic {topic.name} cannot be narrowed by '{key[:80]}' of {type}: "
                    f"use {', '.join(sorted(known)) or 'no filter'}")  # fmt: skip
    try:
        return condition(type, key, value)
    except SalusError as fault:
        raise wrong("criteria", f"the filter '{key[:80]}={value[:80]}' cannot be read: {fault}") from fault


def end_of(text: str | None) -> datetime | None:
    """When it is over, to the second; a leap second is the second after it."""
    return datetime.fromtimestamp(fhir.dates.bounds(text)[0] / 1_000_000, UTC) if text else None


def channel_of(channel: Mapping[str, Any]) -> str:
    custom = [one for one in extensions(channel.get("_type"), "backport-channel-type") if one]
    if custom:
        if custom[0].get("system") != CHANNELS or custom[0].get("code") != SSE:
            raise unserved("channel.type", f"use {CHANNELS}|{SSE}, or the type rest-hook")
        return SSE
    if channel.get("type") != REST_HOOK:
        raise unserved("channel.type", f"'{channel.get('type')}' is not served: use rest-hook, or the extension "
                       f"backport-channel-type with {CHANNELS}|{SSE}")  # fmt: skip
    return REST_HOOK


def endpoint_of(channel: Mapping[str, Any], kind: str, rules: Rules) -> Destination | None:
    url = channel.get("endpoint")
    if kind == SSE:
        if url:
            raise wrong("channel.endpoint", "events are fetched from $stream: leave the endpoint out")
        return None
    if not url:
        raise wrong("channel.endpoint", "say where the notifications shall go")
    try:
        return destination(url, rules)
    except Invalid as fault:
        raise wrong("channel.endpoint", str(fault)) from None


def headers_of(lines: list[str], kind: str) -> tuple[tuple[str, str], ...]:
    """Never tells a value."""
    if lines and kind == SSE:
        raise wrong("channel.header", "nothing is sent: leave the headers out")
    if len(lines) > MOST_HEADERS or any(len(line) > LONGEST_HEADER for line in lines):
        raise wrong("channel.header", f"give at most {MOST_HEADERS}, of {LONGEST_HEADER} characters")
    found = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    for name, value in found:
        if name.lower() in OURS:
            raise wrong("channel.header", f"{name} is ours to write: leave it out")
        try:
            check_header(name, value)
        except Invalid as fault:
            raise wrong("channel.header", str(fault)) from None
    if len({name.lower() for name, _ in found}) < len(found):
        raise wrong("channel.header", "a header is given twice: give each once")
    return tuple(found)


def content_of(channel: Mapping[str, Any]) -> str:
    payload = channel.get("payload", PAYLOADS[0])
    if payload.partition(";")[0].strip() not in PAYLOADS:
        raise unserved("channel.payload", f"'{payload[:80]}' is not written: use {PAYLOADS[0]}")
    found = extensions(channel.get("_payload"), "backport-payload-content")
    if len(found) != 1 or found[0] not in CONTENTS:
        raise wrong("channel.payload", f"say by the extension backport-payload-content how much: {', '.join(CONTENTS)}")
    return str(found[0])


def number(channel: Mapping[str, Any], name: str, usual: int, least: int, most: int) -> int:
    found = extensions(channel, name)
    if not found:
        return usual
    if len(found) > 1 or not isinstance(found[0], int) or not least <= found[0] <= most:
        raise wrong("channel", f"{name}: give one whole number from {least} to {most}")
    return int(found[0])


def wrong(path: str, why: str) -> Invalid:
    return Invalid(f"Subscription.{path}: {why}", path=f"Subscription.{path}")


def unserved(path: str, why: str) -> Unsupported:
    return Unsupported(f"Subscription.{path}: {why}", path=f"Subscription.{path}")
