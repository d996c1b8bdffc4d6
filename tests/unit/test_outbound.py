"""Nobody leads us to where only we can reach: addresses that others name, as they are named and as they are found."""

import asyncio
import datetime
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from salus.base.errors import Invalid
from salus.base.outbound import Rules, addresses, destination
from salus.base.posting import Undelivered, check_header, post

OPEN, PLAIN = Rules(), Rules(plain=True)

FORBIDDEN = [
    "http://lab.example/",  # not https
    "ftp://lab.example/",
    "file:///etc/passwd",
    "https://",
    "https:///x",
    "lab.example/in",
    "https://user:pass@lab.example/",
    "https://lab.example@127.0.0.1/",
    "https://lab.example/#x",
    "https://lab.example/a b",
    "https://lab.example\\@127.0.0.1/",
    "https://lab.example/\r\nHost: x",
    "https://lab.example:0/",
    "https://lab.example:99999/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://0x7f.0.0.1/",
    "https://0x7f000001/",
    "https://127.0.0.1./",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://172.16.5.4/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://100.100.100.200/",
    "https://168.63.129.16/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a00:1]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fd00:ec2::254]/",
    "https://[fc00::1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[::7f00:1]/",
    "https://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",  # Teredo, of 127.0.0.1
    "https://xn--/",
    "https://-lab.example/",
    "https://" + "a" * 2100 + ".example/",
]


@pytest.mark.parametrize("url", FORBIDDEN)
def test_an_address_that_leads_where_it_should_not_is_refused_when_it_is_named(url: str):
    with pytest.raises(Invalid):
        destination(url, OPEN)


@pytest.mark.parametrize(
    "url", ["https://lab.example/", "https://lab.example:8443/in?a=1", "https://8.8.8.8/", "https://[2606:4700::1111]/"]
)
def test_a_public_address_may_be_named(url: str):
    assert destination(url, OPEN).tls


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"],
        ["10.1.2.3"],
        ["8.8.8.8", "192.168.0.1"],
        ["169.254.169.254"],
        ["::1"],
        ["fe80::1%2"],
        ["0.0.0.0"],
        [],
    ],
)
def test_a_name_is_refused_by_any_of_the_addresses_that_it_has(found: list[str]):
    with pytest.raises(Invalid):
        addresses("lab.example", found, OPEN)


def test_a_site_may_name_hosts_and_networks_and_then_speaks_to_no_others():
    rules = Rules(("*.ward.example", "10.2.0.0/16"))

    assert ["192.168.5.5"] == addresses("lis.ward.example", ["192.168.5.5"], rules)
    assert ["10.2.3.4"] == addresses("other.example", ["10.2.3.4"], rules)
    for host, found in (
        ("ward.example", "10.9.0.1"),
        ("other.example", "8.8.8.8"),
        ("a.ward.example", "169.254.169.254"),
    ):
        with pytest.raises(Invalid):
            addresses(host, [found], rules)


def test_plain_http_leads_to_this_machine_only_and_only_where_it_is_allowed():
    assert not destination("http://127.0.0.1:8080/in", PLAIN).tls
    for url, rules in (("http://lab.example/", PLAIN), ("http://10.0.0.1/", PLAIN), ("http://127.0.0.1/", OPEN)):
        with pytest.raises(Invalid):
            destination(url, rules)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A\r\nX-B", "1"),
        ("X-A", "1\r\nX-B: 2"),
        ("X-A", "1\n"),
        ("", "1"),
        ("X A", "1"),
        ("X:", "1"),
        ("X", "\x00"),
        ("X", "é"),
    ],
)
def test_a_header_that_would_begin_another_is_refused_without_telling_its_value(name: str, value: str):
    with pytest.raises(Invalid) as refusal:
        check_header(name, value)
    assert "2" not in str(refusal.value)


# --- against a real receiver ---


class Receiver(BaseHTTPRequestHandler):
    """Answers as its path says."""

    heard: list[tuple[str, bytes]] = []  # noqa: RUF012 - one for all of them

    def do_POST(self) -> None:
        self.heard.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/in")
        elif self.path == "/endless":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 200_000 + b"\r\n\r\n")
            return
        elif self.path == "/nonsense":
            self.wfile.write(b"220 smtp.example ready\r\n\r\n")
            return
        else:
            self.send_response(204 if self.path == "/in" else 500)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def receiver(context: ssl.SSLContext | None = None) -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign] - a caller that hangs up is meant
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        Receiver.heard.clear()
        yield server
        server.shutdown()
        thread.join()


def sent(url: str, resolve=None, tls: ssl.SSLContext | None = None, timeout: float = 120) -> int:
    more = {"resolve": resolve} if resolve else {}
    return asyncio.run(post(destination(url, PLAIN), [("X-Key", "k")], b"{}", PLAIN, timeout, tls=tls, **more))


def test_what_is_sent_arrives():
    with receiver() as server:
        assert 204 == sent(f"http://127.0.0.1:{server.server_port}/in")
    assert [("/in", b"{}")] == Receiver.heard


@pytest.mark.parametrize("path", ["moved", "broken", "endless", "nonsense"])
def test_a_redirect_is_not_followed_and_a_bad_answer_is_no_delivery(path: str):
    with receiver() as server, pytest.raises(Undelivered):
        sent(f"http://127.0.0.1:{server.server_port}/{path}")
    assert ["/" + path] == [path for path, _ in Receiver.heard]


def test_a_name_that_leads_elsewhere_when_it_is_looked_up_again_is_not_followed():
    """The answer that was checked is the one that is connected to; a later one is never asked for."""
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["203.0.113.7"] if len(asked) == 1 else ["127.0.0.1"]

    with receiver() as server:
        try:
            url = f"https://rebinding.example:{server.server_port}/in"
            with pytest.raises(Undelivered):  # 203.0.113.0/24 is nobody's: https://www.rfc-editor.org/rfc/rfc5737
                asyncio.run(post(destination(url, OPEN), [], b"{}", OPEN, 0.5, resolve=rebinding))
        finally:
            assert (1, []) == (len(asked), Receiver.heard)


def test_a_name_that_leads_into_the_house_is_not_spoken_to():
    async def inward(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    with receiver() as server:
        url = f"https://inward.example:{server.server_port}/in"
        with pytest.raises(Undelivered, match="this machine itself"):
            asyncio.run(post(destination(url, OPEN), [], b"{}", OPEN, 5, resolve=inward))
    assert [] == Receiver.heard


def test_nobody_waits_longer_than_the_timeout():
    async def silent(host: str, port: int) -> list[str]:
        await asyncio.sleep(30)
        return []

    with pytest.raises(Undelivered, match=r"within 0\.1 s"):
        sent("https://silent.example/in", silent, timeout=0.1)


def test_the_certificate_is_held_against_the_name_although_the_connection_goes_to_a_number(tmp_path: Path):
    server_side, client_side = contexts(tmp_path, "ward.example")

    async def here(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    with receiver(server_side) as server:
        assert 204 == sent(f"https://ward.example:{server.server_port}/in", here, client_side)
        with pytest.raises(Undelivered, match="certificate"):
            sent(f"https://other.example:{server.server_port}/in", here, client_side)
    assert 1 == len(Receiver.heard)


def contexts(folder: Path, host: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Of a server with a certificate for `host`, and of a client that trusts it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "both.pem").write_bytes(secret + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "both.pem")
    client = ssl.create_default_context(cadata=pem.decode())
    return server, client
