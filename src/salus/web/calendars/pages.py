"""Which address leads to what. A feed and the published times are fetched by programs, without an account."""

from collections.abc import Callable

from starlette.responses import Response

from salus.web.calendars import feed, free, video
from salus.web.visit import Visit

Handler = Callable[[Visit], Response]

PAGES: tuple[tuple[str, str, Handler, str | None], ...] = (
    ("GET", "/calendar", feed.page, "calendar"),
    ("POST", "/calendar", feed.begin, "calendar"),
    ("POST", "/calendar/end", feed.end, "calendar"),
    ("GET", "/calendar/appointments/{id}.ics", feed.one, "calendar"),
    ("GET", "/calendar/{token}.ics", feed.feed, None),
    ("GET", "/visits/video/{token}", video.page, "calendar"),
    ("GET", "/scheduling/{name}", free.file, None),
)
