"""Which address leads to which page, and who may come in (a room of `accounts.ROOMS`; None: everyone)."""

from collections.abc import Callable

from starlette.responses import Response

from salus.web import (
    audit,
    chart,
    models,
    notices,
    options,
    orders,
    panel,
    patients,
    quizzes,
    resource,
    signin,
    teaching,
)
from salus.web.visit import Visit

Handler = Callable[[Visit], Response]

PAGES: tuple[tuple[str, str, Handler, str | None], ...] = (
    ("GET", "/", signin.front, None),
    ("GET", "/sign-in", signin.sign_in_page, None),
    ("POST", "/sign-in", signin.sign_in, None),
    ("POST", "/sign-out", signin.sign_out, None),
    ("GET", "/language/{language}", signin.speak, None),
    ("GET", "/settings", signin.preferences_page, None),
    ("POST", "/settings", signin.preferences, None),
    ("GET", "/patients", patients.listing, "patients"),
    ("GET", "/patients/{id}", chart.chart, "patients"),
    ("GET", "/patients/{id}/results", chart.results, "patients"),
    ("GET", "/patients/{id}/history", chart.history, "patients"),
    ("GET", "/patients/{id}/trends/{code}", chart.trend, "patients"),
    ("GET", "/patients/{id}/suggestions", panel.panel, "patients"),
    ("GET", "/patients/{id}/suggestions/{suggestion}/otherwise", panel.otherwise, "patients"),
    ("POST", "/patients/{id}/suggestions/{suggestion}/answer", panel.answer, "patients"),
    ("POST", "/patients/{id}/suggestions/{suggestion}/undo", panel.undo, "patients"),
    ("GET", "/patients/{id}/options", options.listing, "patients"),
    ("GET", "/patients/{id}/orders", orders.listing, "patients"),
    ("POST", "/patients/{id}/orders/check", orders.check, "patients"),
    ("POST", "/patients/{id}/orders", orders.sign, "patients"),
    ("POST", "/patients/{id}/orders/{order}/stop", orders.stop, "patients"),
    ("POST", "/patients/{id}/orders/{order}/again", orders.again, "patients"),
    ("POST", "/patients/{id}/overrides/{issue}/undo", orders.take_back, "patients"),
    ("GET", "/safety", orders.burden, "safety"),
    ("GET", "/resources/{type}/{id}", resource.view, "patients"),
    ("GET", "/models", models.listing, "models"),
    ("GET", "/models/{name}/use", models.use, "models"),
    ("GET", "/models/{name}/{version}", models.card, "models"),
    ("GET", "/models/{name}/{version}/report", models.report, "models"),
    ("GET", "/models/{name}/{version}/card.xml", models.card_file, "models"),
    ("GET", "/quizzes", quizzes.listing, "quizzes"),
    ("POST", "/quizzes/cases/{case}", quizzes.begin, "quizzes"),
    ("POST", "/quizzes/cases/{case}/withdraw", teaching.withdraw, "quizzes"),
    ("GET", "/quizzes/sittings/{id}", quizzes.sit, "quizzes"),
    ("POST", "/quizzes/sittings/{id}", quizzes.take, "quizzes"),
    ("GET", "/quizzes/review", quizzes.review, "quizzes"),
    ("POST", "/quizzes/review", quizzes.rate, "quizzes"),
    ("GET", "/quizzes/progress", teaching.mine, "quizzes"),
    ("GET", "/quizzes/log.json", teaching.log, "quizzes"),
    ("GET", "/quizzes/group", teaching.group, "quizzes"),
    ("GET", "/quizzes/write", teaching.write, "quizzes"),
    ("POST", "/quizzes/check", teaching.check, "quizzes"),
    ("POST", "/quizzes/write", teaching.keep, "quizzes"),
    ("GET", "/audit", audit.listing, "audit"),
    ("GET", "/notices", notices.listing, "notices"),
    ("POST", "/notices/{id}/again", notices.again, "notices"),
)
