"""Where we may speak to when somebody else names the address: a notification's endpoint, a file to be fetched.

An address of the caller's choice must not reach what only this machine can (its own ports, the ward's network, the
cloud's metadata): server-side request forgery, https://cwe.mitre.org/data/definitions/918.html. The URL is checked
when it is named (`destination`), its addresses when they are looked up (`addresses`); a connection then goes to one of
the addresses that were checked, by number, so that a name that changes its mind meanwhile leads nowhere else.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from salus.base.errors import Invalid

Address = IPv4Address | IPv6Address
LONGEST = 2048  # characters of an URL
HOST = re.compile(
    r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*"
).fullmatch
NUMBERS = re.compile(r"(.*\.)?(0x[0-9a-f]*|[0-9]+)\.?").fullmatch  # what the C library takes for an IPv4 address
# Never, whatever a site allows: link-local (with most clouds' metadata), and the metadata addresses outside it.
NEVER = tuple(
    ip_network(text)
    for text in ("169.254.0.0/16", "fe80::/10", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
)
NAT64 = ip_network("64:ff9b::/96")
COMPATIBLE = ip_network("::/96")


@dataclass(frozen=True, slots=True)
class Rules:
    """What a site allows.

    `allow`: host names (`lab.example`, `*.example`) and networks (`10.2.0.0/16`). Where it is empty, every public
    address may be spoken to; otherwise only what it names, which may be private. `plain`: http, and this machine's own
    addresses, for development.
    """

    allow: tuple[str, ...] = ()
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Destination:
    """An URL in its parts; `path` with its query, `host` in lower case."""

    host: str
    port: int
    tls: bool
    path: str

    @property
    def name(self) -> str:
        """For the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


def destination(url: str, rules: Rules) -> Destination:
    """Raises Invalid for an URL that cannot be read, is not https, or names what may not be spoken to.

    >>> destination("https://lab.example/in?x=1", Rules())
    Destination(host='lab.example', port=443, tls=True, path='/in?x=1')
    """
    found = parted(url)
    literal = literal_of(found.host)
    if not found.tls and not (rules.plain and (found.host == "localhost" or (literal and literal.is_loopback))):
        raise refused(url, "it must begin with https://")
    if literal is not None:
        check_address(literal, found.host, rules)
    elif rules.allow and not named(found.host, rules) and not networks(rules):
        raise refused(found.host, "this site speaks to the hosts of its setting `notify_allow` only")
    return found


def parted(url: str) -> Destination:
    """Raises Invalid."""
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or re.search(r"[\s\\<>\"{}|^`]", url):
        raise refused(url, f"write up to {LONGEST} plain characters, others in percent form")
    try:
        split = urlsplit(url)
        host, port = (split.hostname or "").rstrip("."), split.port
    except ValueError:
        raise refused(url, "it is no URL") from None
    if split.scheme not in ("https", "http") or not host:
        raise refused(url, "write https://host/path")
    if "@" in split.netloc or split.fragment:
        raise refused(url, "leave user, password and fragment out (secrets go into a header)")
    if port == 0:
        raise refused(url, "its port is from 1 to 65535")
    if literal_of(host) is None and (not HOST(host) or NUMBERS(host)):
        raise refused(url, "its host is neither a name nor an address in its usual form (192.0.2.1, [2001:db8::1])")
    tls = split.scheme == "https"
    path = (split.path or "/") + (f"?{split.query}" if split.query else "")
    return Destination(host.lower(), port or (443 if tls else 80), tls, path)


def literal_of(host: str) -> Address | None:
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def addresses(host: str, found: Iterable[str], rules: Rules) -> list[str]:
    """The addresses that a host has, when all of them may be spoken to. Raises Invalid, for none at all too."""
    texts = list(dict.fromkeys(found))
    for text in texts:
        check_address(ip_address(text.partition("%")[0]), host, rules)
    if not texts:
        raise refused(host, "it has no address")
    return texts


def check_address(address: Address, host: str, rules: Rules) -> None:
    """Raises Invalid."""
    real = within(address)
    if real.is_loopback:
        if not rules.plain:
            raise refused(host, "it leads to this machine itself")
        return
    if real.is_unspecified or real.is_multicast or any(real in network for network in NEVER):
        raise refused(host, "it leads to an address that is not for this (link-local, metadata, multicast or none)")
    if rules.allow:
        if not named(host, rules) and not any(real in network for network in networks(rules)):
            raise refused(host, "this site speaks to the hosts of its setting `notify_allow` only")
    elif not real.is_global:
        raise refused(host, "it leads into a private network; a site may name such hosts in its setting `notify_allow`")


def within(address: Address) -> Address:
    """The IPv4 address that an IPv6 address carries within itself (mapped, 6to4, Teredo, NAT64), else itself.

    >>> within(ip_address("::ffff:10.0.0.1")), within(ip_address("64:ff9b::a00:1"))
    (IPv4Address('10.0.0.1'), IPv4Address('10.0.0.1'))
    """
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour or address
    if address.teredo:
        return address.teredo[1]
    if address in NAT64 or (address in COMPATIBLE and int(address) > 0xFFFF):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def named(host: str, rules: Rules) -> bool:
    """
    >>> named("a.ward.example", Rules(("*.ward.example",))), named("ward.example", Rules(("*.ward.example",)))
    (True, False)
    """
    return any(host == one or (one.startswith("*.") and host.endswith(one[1:])) for one in rules.allow)


def networks(rules: Rules) -> list[IPv4Network | IPv6Network]:
    """The networks among what is allowed."""
    found = []
    for one in rules.allow:
        try:
            found.append(ip_network(one))
        except ValueError:
            continue
    return found


def refused(what: str, why: str) -> Invalid:
    return Invalid(f"'{what[:200]}' is not an address that we speak to: {why}")
