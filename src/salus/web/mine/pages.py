"""Which address leads to which of the patient's pages."""

from collections.abc import Callable

from starlette.responses import Response

from salus.web.mine import (
    appointments,
    bills,
    booking,
    changing,
    courses,
    find,
    forwhom,
    home,
    inbox,
    record,
    seen,
    turn,
    waiting,
)
from salus.web.visit import Visit

Handler = Callable[[Visit], Response]

PAGES: tuple[tuple[str, str, Handler, str | None], ...] = (
    ("GET", "/mine", home.home, "mine"),
    ("GET", "/mine/turn", turn.part, "mine"),
    ("GET", "/mine/for", forwhom.page, "mine"),
    ("POST", "/mine/for", forwhom.choose, "mine"),
    ("GET", "/mine/find", find.page, "mine"),
    ("POST", "/mine/hold", booking.hold, "mine"),
    ("POST", "/mine/groups/{id}/join", booking.join, "mine"),
    ("GET", "/mine/appointments", home.appointments, "mine"),
    ("GET", "/mine/appointments/{id}", appointments.one, "mine"),
    ("GET", "/mine/appointments/{id}/left", appointments.left, "mine"),
    ("GET", "/mine/appointments/{id}/move", find.instead, "mine"),
    ("POST", "/mine/appointments/{id}/move", booking.move, "mine"),
    ("POST", "/mine/appointments/{id}/take-back", booking.take_back, "mine"),
    ("POST", "/mine/appointments/{id}/confirm", booking.confirm, "mine"),
    ("POST", "/mine/appointments/{id}/cancel", booking.cancel, "mine"),
    ("POST", "/mine/appointments/{id}/restore", booking.restore, "mine"),
    ("GET", "/mine/courses/new", courses.form, "mine"),
    ("GET", "/mine/courses/plan", courses.proposal, "mine"),
    ("POST", "/mine/courses", courses.book, "mine"),
    ("GET", "/mine/courses/{id}", changing.one, "mine"),
    ("GET", "/mine/courses/{id}/move", changing.elsewhere, "mine"),
    ("POST", "/mine/courses/{id}/move", changing.move, "mine"),
    ("POST", "/mine/courses/{id}/cancel", changing.cancel, "mine"),
    ("POST", "/mine/courses/{id}/take-back", changing.take_back, "mine"),
    ("POST", "/mine/courses/{id}/restore", changing.restore, "mine"),
    ("GET", "/mine/record", record.record, "mine"),
    ("GET", "/mine/record/trends/{code}", record.trend, "mine"),
    ("GET", "/mine/record/visits", record.visits, "mine"),
    ("GET", "/mine/record/notes", record.notes, "mine"),
    ("GET", "/mine/record/seen", seen.listing, "mine"),
    ("GET", "/mine/record/download", record.download, "mine"),
    ("GET", "/mine/waiting", waiting.form, "mine"),
    ("POST", "/mine/waiting", waiting.join, "mine"),
    ("GET", "/mine/waiting/{id}", waiting.place, "mine"),
    ("POST", "/mine/waiting/{id}/accept", waiting.accept, "mine"),
    ("POST", "/mine/waiting/{id}/decline", waiting.decline, "mine"),
    ("POST", "/mine/waiting/{id}/leave", waiting.leave, "mine"),
    ("GET", "/mine/bills", bills.listing, "mine"),
    ("POST", "/mine/bills/deposit", bills.pay_in, "mine"),
    ("GET", "/mine/bills/{id}", bills.one, "mine"),
    ("GET", "/mine/bills/{id}/print", bills.printed, "mine"),
    ("POST", "/mine/bills/{id}/pay", bills.settle, "mine"),
    ("POST", "/mine/bills/{id}/withdraw", bills.let_go, "mine"),
    ("GET", "/mine/inbox", inbox.listing, "mine"),
    ("POST", "/mine/inbox/read", inbox.read, "mine"),
    ("POST", "/mine/inbox/kinds", inbox.prefer, "mine"),
    ("POST", "/mine/inbox/people", inbox.share, "mine"),
)
