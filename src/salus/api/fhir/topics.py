"""The topics that there are to hear of, each a Basic. http://hl7.org/fhir/uv/subscriptions-backport/components.html

R4 has no SubscriptionTopic: `GET /SubscriptionTopic` and `GET /SubscriptionTopic/name` show what a later server would.
"""

import orjson

from salus.api.fhir.asking import Answer, Ask
from salus.base.errors import Missing
from salus.records import Records
from salus.subscriptions.listing import basic
from salus.subscriptions.steward import steward_of
from salus.subscriptions.topics import Topic

PLACE = "SubscriptionTopic"


async def topics(records: Records, ask: Ask) -> Answer:
    """All of them, or those of a `url`, about a `resource`, with a `title` that begins so; or one by its name."""
    known = steward_of(records.store).topics.values()
    if len(ask.parts) == 2:
        ask.only()
        found = [topic for topic in known if topic.name == ask.parts[1]]
        if not found:
            raise Missing(f"There is no topic {ask.parts[1][:80]}: GET /{PLACE} shows which there are")
        return Answer(200, orjson.dumps(basic(found[0])))
    ask.only("url", "resource", "title", "_count")
    chosen = [topic for topic in known if fits(topic, ask)]
    entries = [
        {"fullUrl": f"{ask.base}/{PLACE}/{topic.name}", "resource": basic(topic), "search": {"mode": "match"}}
        for topic in chosen
    ]
    bundle = {"resourceType": "Bundle", "type": "searchset", "total": len(chosen)}
    return Answer(200, orjson.dumps(bundle | ({"entry": entries} if entries else {})))


def fits(topic: Topic, ask: Ask) -> bool:
    url, resource, title = ask.option("url"), ask.option("resource"), (ask.option("title") or "").casefold()
    titled = any(text.casefold().startswith(title) for text in topic.table.title.values())
    about = resource is None or resource.rpartition("/")[2] in topic.types
    return titled and about and url in (None, topic.url, f"{topic.url}|{topic.table.version}")
