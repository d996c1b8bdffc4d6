"""Which address leads to which page of money."""

from collections.abc import Callable

from starlette.responses import Response

from salus.web.billing import bills, books, closing, desk, elsewhere, reconciling, record, ruling
from salus.web.visit import Visit

Handler = Callable[[Visit], Response]

PAGES: tuple[tuple[str, str, Handler, str | None], ...] = (
    ("GET", "/billing", desk.listing, "billing"),
    ("POST", "/billing/charge", desk.charge_again, "billing"),
    ("GET", "/billing/patients/{id}", desk.of_patient, "billing"),
    ("POST", "/billing/patients/{id}/deposit", desk.deposit, "billing"),
    ("POST", "/billing/patients/{id}/deposit/back", desk.give_back, "billing"),
    ("POST", "/billing/patients/{id}/elsewhere", elsewhere.count, "billing"),
    ("POST", "/billing/patients/{id}/elsewhere/back", elsewhere.take_back, "billing"),
    ("GET", "/billing/bills/{id}", bills.one, "billing"),
    ("POST", "/billing/bills/{id}/pay", bills.pay, "billing"),
    ("POST", "/billing/bills/{id}/refund", bills.refund, "billing"),
    ("POST", "/billing/bills/{id}/issue", bills.issue, "billing"),
    ("POST", "/billing/bills/{id}/cancel", bills.cancel, "billing"),
    ("GET", "/books", books.trial, "books"),
    ("GET", "/books/account", books.statement, "books"),
    ("GET", "/books/rules", ruling.listing, "books"),
    ("GET", "/books/close", closing.preview, "books"),
    ("POST", "/books/close", closing.close, "books"),
    ("GET", "/books/closings/{id}", closing.one, "books"),
    ("GET", "/books/reconcile", reconciling.choose, "books"),
    ("POST", "/books/reconcile", reconciling.repair, "books"),
    ("GET", "/books/reconcile/look", reconciling.preview, "books"),
    ("POST", "/books/reconcile/look", reconciling.look, "books"),
    ("GET", "/books/reconciled/{id}", record.one, "books"),
    ("POST", "/books/reconciled/{id}", record.act, "books"),
    ("GET", "/books/reconciled/{id}/csv", record.table, "books"),
)
