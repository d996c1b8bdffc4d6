"""A small city with its clinics, in which the patient of the demonstration is at home."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store

OTHER = "11"  # somebody else of the city


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory, clinics_of: Callable[[Path, int], None]) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("clinics")
    clinics_of(folder, 12)
    with Store(folder / "records.db") as store:
        yield store


@pytest.fixture
def house(ward: Store) -> Records:
    """The records as the house itself has them open."""
    return ward.open(SYSTEM, Purpose.OPERATIONS)


class Phone:
    """The patient at their pages: presses the buttons that are there."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser

    def see(self, address: str, status: int = 200) -> str:
        answer = self.browser.get(address)
        assert status == answer.status_code, answer.text[-3000:]
        return str(answer.text).split("</style>")[-1]

    def offered(self, page: str) -> list[str]:
        return [unescape(one) for one in re.findall(r'name="at" value="([^"]+)"', page)]

    def send(self, page: str, address: str, **fields: str) -> Any:
        """Send a form of a page that was seen."""
        token = re.search(r'name="form_token" value="([0-9a-f]+)"', page)
        return self.browser.post(address, data={"form_token": token[1] if token else "", **fields})

    def hold(self, where: str = "department=cardiology", number: int = 0) -> str:
        """Choose a time; the address of what is held."""
        page = self.see(f"/mine/find?{where}")
        key = re.search(r'name="key" value="([^"]+)"', page)
        assert key
        answer = self.send(page, "/mine/hold", key=key[1], at=self.offered(page)[number])
        assert 303 == answer.status_code
        return str(answer.headers["location"])

    def book(self, where: str = "department=cardiology", number: int = 0, reason: str = "") -> str:
        address = self.hold(where, number)
        assert 303 == self.send(self.see(address), f"{address}/confirm", reason=reason).status_code
        return address


@pytest.fixture
def phone(at: Callable[..., Any]) -> Phone:
    return Phone(at("patient"))


@pytest.fixture
def phone_in(at: Callable[..., Any]) -> Callable[[str], Phone]:
    return lambda language: Phone(at("patient", language))
