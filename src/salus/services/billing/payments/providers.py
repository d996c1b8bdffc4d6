"""Which providers an installation has: a row for each, and the setting `payments` that names those in use.

`payments = ["cash", "simulated?late=0.1&lost=0.05&seed=3"]`. What follows the name is for the provider. A real provider
is one more file with the methods of `port.Provider`, and a row here.
"""

from collections.abc import Callable
from urllib.parse import parse_qsl

from salus.base.errors import Invalid, Missing
from salus.base.settings import Settings
from salus.services.billing.payments.cash import AtHand
from salus.services.billing.payments.port import Provider
from salus.services.billing.payments.shapes import DEPOSIT
from salus.services.billing.payments.simulated import Simulated

Options = dict[str, str]


def cash(settings: Settings, options: Options) -> Provider:
    return AtHand("cash")


def simulated(settings: Settings, options: Options) -> Provider:
    """Raises Invalid for a share that is no number."""
    try:
        seed = int(options.pop("seed", "0"))
        faults = {name: float(share) for name, share in options.items()}
    except ValueError as fault:
        raise Invalid(f"payments: simulated?{options}: {fault}", path="payments") from None
    return Simulated(settings.folder / "simulated-payments", settings.secret, faults, seed)


PROVIDERS: dict[str, Callable[[Settings, Options], Provider]] = {"cash": cash, "simulated": simulated}


def providers_of(settings: Settings) -> dict[str, Provider]:
    """The providers in use by name, the deposit always among them. A demonstration has the simulated one too.

    Raises Invalid for a name that is not in the table.
    """
    named = dict(one.partition("?")[::2] for one in settings.payments)
    if settings.demo:
        named.setdefault("simulated", "")
    made: dict[str, Provider] = {DEPOSIT: AtHand(DEPOSIT)}
    for name, options in named.items():
        if name not in PROVIDERS:
            raise Invalid(f"There is no payment provider '{name}': {', '.join(PROVIDERS)}", path="payments")
        made[name] = PROVIDERS[name](settings, dict(parse_qsl(options)))
    return made


def provider_of(settings: Settings, name: str) -> Provider:
    """Raises Missing for one that is not in use here."""
    found = providers_of(settings).get(name)
    if found is None:
        raise Missing(f"There is no payment provider {name[:40]!r} here", path="provider")
    return found
