"""How many keys a doctor presses for a visit, how long each step of the page takes, how fast a diagnosis is found.

Run: `python benchmarks/services/visit_page.py`. A follow-up for high blood pressure over a small synthetic city, by the
keyboard alone in Debian's chromium against a real server of this machine: call, template, examination, a diagnosis by
pinyin initials, a laboratory test, a medicine renewed, the signature. The script types as fast as it can; the time of a
person is reckoned from the keys (0.28 s each, 40 words a minute) and from the steps that are waited for. Each visit is
another patient's. Then diagnoses typed letter by letter, with what ships and with the lists of the shared data
(97,078 codes of ICD-10-CM with Chinese names, 1,585 categories of ICD-10), if it is there; then, over HTTP, the page's
answers while five doctors work at once.
"""

import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from statistics import median, quantiles

import httpx
import uvicorn
from playwright.sync_api import Page, sync_playwright
from starlette.applications import Starlette

from salus.assistants.bedside import Bedside
from salus.base import clock
from salus.base.settings import Settings
from salus.codes.terminology import Site
from salus.codes.terminology.loading import load
from salus.codes.terminology.site import FOLDER, merged
from salus.demo import city
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.services.reception import queue
from salus.services.reception.arriving import walk_in
from salus.services.visits.finding import Vocabulary
from salus.web import pages
from salus.web.accounts import ACCOUNTS
from salus.web.session import SESSION, opened

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
DESK = Actor("Practitioner/desk", Role.DESK)
VISITS, A_KEY, TOGETHER, ROUNDS = 12, 0.28, 5, 20
TYPED = ["gxy", "tnb", "xc", "gxb", "fy", "高血压", "糖尿病", "哮喘", "肺炎", "高血鸭", "I10", "E11.9", "J45"]
TYPED += ["hypertension", "type 2 diabetes", "asthma", "pneumonia", "chronic kidney", "hypertnesion", "diabtes"]


class Hands:
    """Counts the keys, and how long each step takes."""

    def __init__(self, page: Page) -> None:
        self.page, self.keys, self.steps = page, 0, defaultdict[str, list[float]](list)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.keys += 1

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.keys += len(text)

    def tab_to(self, wanted: str) -> None:
        while not self.page.evaluate("wanted => document.activeElement?.matches(wanted)", wanted):
            self.press("Tab")

    def step(self, name: str, selector: str, text: str) -> None:
        began = time.monotonic()
        self.page.locator(selector, has_text=text).first.wait_for()
        self.steps[name].append(time.monotonic() - began)


def follow_up(hands: Hands) -> None:
    hands.page.wait_for_function("document.activeElement.matches('.call-next button')")
    hands.press("Enter")
    hands.step("call", ".visit-page", "Note")
    hands.press("Shift+Tab", "Shift+Tab")
    hands.type("Follow")
    hands.press("Tab", "Enter")
    hands.step("template", "#s-present", "Stable since")
    hands.tab_to("#s-exam")
    hands.press("Control+End")
    hands.type(" BP 146/92, heart regular, no oedema.")
    hands.tab_to("#q")
    hands.type("gxy")
    hands.step("find", "#found", "I10")
    hands.press("Enter")
    hands.step("diagnosis", "#diagnoses .chosen", "I10")
    hands.tab_to("#test")
    hands.type("Potassium")
    hands.press("Enter")
    hands.step("test", "#tests .chosen", "Potassium")
    hands.tab_to(".renew")
    hands.press("Enter")
    hands.step("medicine", "#prescription .chosen", "in all")
    hands.tab_to("#sign button")
    hands.press("Enter")
    hands.step("sign", ".answered", "Signed")


@contextmanager
def house(folder: Path) -> Iterator[tuple[Store, str, bytes]]:
    """A small city with a server."""
    city.make(folder / "city", people=400, years=3, end=clock.now().date() - timedelta(days=2))
    settings = Settings(folder, folder / "db", folder / "models", folder / "events", b"s" * 64, demo=True)
    with Store(settings.store) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for file in sorted((folder / "city").glob("*.ndjson")):
            lines = file.read_bytes().splitlines()
            ids = [line.split(b'"id":"', 1)[1].split(b'"', 1)[0].decode() for line in lines]
            records.put_many([(file.stem, id, line) for id, line in zip(ids, lines, strict=True)]).result()
        app = Starlette(routes=pages(store, Bedside(store, settings.registry), settings))
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="none"))
        threading.Thread(target=server.run, daemon=True).start()
        while not server.started:
            time.sleep(0.02)
        yield store, f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", settings.secret
        server.should_exit = True
        time.sleep(0.5)


def hypertensive(store: Store) -> list[str]:
    """Patients who take one medicine for their blood pressure, so that it can be renewed."""
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    found: dict[str, int] = defaultdict(int)
    for one in records.search("MedicationRequest", "status=active&_count=2000").versions:
        found[one.json()["subject"]["reference"]] += 1
    ill = {
        one.json()["subject"]["reference"]
        for code in ("59621000", "38341003")
        for one in records.search("Condition", f"code={code}&_count=1000").versions
    }
    return sorted(who for who, count in found.items() if count == 1 and who in ill)


def visits(store: Store, base: str, secret: bytes, clinic: str) -> None:
    steps: dict[str, list[float]] = defaultdict(list)
    keys, waited, failed = [], [], 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        context = browser.new_context(base_url=base, viewport={"width": 1280, "height": 900})
        context.set_default_timeout(10_000)
        told = {"salus_language": "en", SESSION: opened(secret, ACCOUNTS["clinician"])}
        context.add_cookies([{"name": name, "value": value, "url": base} for name, value in told.items()])
        for who in hypertensive(store)[:VISITS]:
            clear(store, clinic)
            walk_in(store, DESK, Purpose.OPERATIONS, who, clinic)
            page = context.new_page()
            page.goto(f"/clinic?service={clinic}")
            hands = Hands(page)
            try:
                follow_up(hands)
            except Exception as fault:  # such as one whose prescription the screen wants decided
                failed += 1
                print(f"  {who} after {list(hands.steps)[-1:]}: {str(fault).splitlines()[0]}")
                continue
            finally:
                page.close()
            keys.append(hands.keys)
            waited.append(sum(sum(those) for those in hands.steps.values()))
            for name, those in hands.steps.items():
                steps[name] += those
        browser.close()
    print(f"{len(keys)} visits signed, {failed} not: {median(keys):.0f} keys (most {max(keys)})")
    print(f"  waited for the page in all: median {median(waited):.2f} s, most {max(waited):.2f} s")
    whole = [count * A_KEY + time for count, time in zip(keys, waited, strict=True)]
    print(f"  a person at {A_KEY} s a key: median {median(whole):.0f} s, most {max(whole):.0f} s")
    for name, those in steps.items():
        print(f"  {name:10} median {median(those):.2f} s, most {max(those):.2f} s")


def clear(store: Store, clinic: str) -> None:
    for one in queue.queue(store, DESK, Purpose.OPERATIONS, clinic):
        if one.stands:
            queue.leave(store, DESK, Purpose.OPERATIONS, one.id)


def answers(store: Store, base: str, secret: bytes, clinic: str) -> None:
    """The page's answers over HTTP while several work at once."""
    clear(store, clinic)
    people = hypertensive(store)[VISITS : VISITS + TOGETHER]
    made = [walk_in(store, DESK, Purpose.OPERATIONS, who, clinic).ticket for who in people]
    places = [f"/clinic/visits/{one.patient[8:]}/{one.encounter[10:]}" for one in made]
    cookies = {"salus_language": "en", SESSION: opened(secret, ACCOUNTS["clinician"])}
    took: dict[str, list[float]] = defaultdict(list)

    def work(place: str) -> None:
        with httpx.Client(base_url=base, cookies=cookies) as client:
            token = client.get(place).text.split('name="form_token" value="', 1)[1].split('"', 1)[0]
            head = {"hx-request": "true", "x-form-token": token}
            for n in range(ROUNDS):
                for name, method, address, form in (
                    ("page", "GET", place, None),
                    ("keep", "POST", f"{place}/draft", {"s-chief": f"dizzy {n}", "over": "yes"}),
                    ("find", "GET", f"{place}/diagnoses?q={'hypertension'[: 2 + n % 10]}", None),
                ):
                    began = time.monotonic()
                    answer = client.request(method, address, data=form, headers=head if name != "page" else {})
                    took[name].append(time.monotonic() - began)
                    assert answer.status_code == 200, answer.text

    with ThreadPoolExecutor(TOGETHER) as pool:
        list(pool.map(work, places))
    print(f"{TOGETHER} at once:")
    for name, those in took.items():
        print(f"  {name:5} p50 {median(those) * 1000:.0f} ms, p95 {quantiles(those, n=20)[-1] * 1000:.0f} ms")


def typing(name: str, house: Vocabulary) -> None:
    """Each text as it grows letter by letter."""
    house.find("a", "en")
    house.find("高血鸭子", "zh")
    took, used = [], []
    for text in TYPED:
        for end in range(1, len(text) + 1):
            for language in ("en", "zh"):
                began, cpu = time.perf_counter(), time.thread_time()
                house.find(text[:end], language)
                took.append(time.perf_counter() - began)
                used.append(time.thread_time() - cpu)
    for kind, those in (("clock", took), ("CPU", used)):
        p50, p95, most = (1000 * one for one in (median(those), quantiles(those, n=20)[-1], max(those)))
        print(f"{name}: {len(those)} looks, {kind} p50 {p50:.1f} ms, p95 {p95:.1f} ms, most {most:.1f} ms")


def diagnoses(folder: Path) -> None:
    typing("what ships", Vocabulary(folder / "none"))
    if not (SHARED / "icd10cm").exists():
        print("the shared data are not here: no search over a large list", file=sys.stderr)
        return
    cm, plain = "http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-10"
    english = load(SHARED / "icd10cm" / "icd10cm-order-Jan-2021.txt.gz", cm).system
    chinese = load(SHARED / "icd10cm-zh-tw" / "icd10cm_2023_en_zh-tw.csv.gz", cm).system
    site = Site(folder / "large" / FOLDER)
    site.keep(merged(english, chinese))
    typing("97,078 codes", Vocabulary(folder / "large"))
    table = folder / "icd10.csv"
    table.write_text((SHARED / "icd10-zh" / "disease.csv").read_text("utf-8").replace("\t", ","), "utf-8")
    Site(folder / "china" / FOLDER).keep(load(table, plain, "zh").system)
    typing("1,585 categories in Chinese", Vocabulary(folder / "china"))


if __name__ == "__main__":
    print(f"{date.today()}, {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory() as temporary:
        diagnoses(Path(temporary))
        with house(Path(temporary)) as (store, base, secret):
            records = store.open(SYSTEM, Purpose.OPERATIONS)
            found = records.search("HealthcareService", "_count=200").versions
            clinic = next(one.id for one in found if "cardiology" in one.id)
            visits(store, base, secret, clinic)
            answers(store, base, secret, clinic)
