"""Who looks at a page, as the services see them: somebody at work."""

from salus.services.acting import Acting
from salus.web.visit import Visit


def acting(visit: Visit) -> Acting:
    return Acting(visit.desk.store, visit.who.actor, visit.who.purpose)
