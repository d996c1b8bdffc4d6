"""How heavy the pages are and how soon they show, in chromium with the CPU slowed four times on a slow-4G line.

    python benchmarks/web/measure.py [ROUNDS]      (5 rounds; writes RESULTS.md beside itself)

Slow 4G as Chrome DevTools and Lighthouse emulate it: 562.5 ms from request to first byte, 1.6 Mbit/s * 0.9 down,
750 kbit/s * 0.9 up (https://github.com/GoogleChrome/lighthouse/blob/main/docs/throttling.md). `cold` has an empty
cache; `warm` has scripts from an earlier page. The people are the demonstration city's.
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import uvicorn
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright
from starlette.applications import Starlette

from salus.analytics.events import Follower
from salus.assistants.bedside import Bedside
from salus.base.settings import Settings
from salus.demo import city
from salus.learning.learn import learn_task
from salus.learning.task import task_of
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.web import pages
from salus.web.accounts import ACCOUNTS
from salus.web.session import opened

CHROMIUM = "/usr/bin/chromium"
SLOWER = 4
SLOW_4G = {
    "offline": False,
    "latency": 150 * 3.75,
    "downloadThroughput": 1.6 * 1024 * 1024 * 0.9 / 8,
    "uploadThroughput": 750 * 1024 * 0.9 / 8,
}
PAGES = (
    ("sign-in", "", "/sign-in"),
    ("patient list", "clinician", "/patients"),
    ("chart", "clinician", "/patients/showcase-5"),
    ("one measurement", "clinician", "/patients/showcase-5/trends/8480-6"),
    ("models", "scientist", "/models"),
)
TASK = {
    "name": "diabetes",
    "kind": "binary",
    "question": {"en": "Will type 2 diabetes be found within 12 months?", "zh": "12个月内会不会查出2型糖尿病？"},
    "when": {"events": ["ENCOUNTER//AMB"], "min_gap_days": 180},
    "label": {"codes": ["SNOMED//44054006"], "within_days": 365},
    "features": {"codes": ["LOINC//*"], "windows_days": [365], "min_subjects": 5},
    "models": {"families": ["logistic"]},
    "budget": {"seconds": 4, "trials": 1},
}
FCP = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
SIZES = """() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    .map(one => [one.name, one.transferSize, one.decodedBodySize])"""


@dataclass
class Weighed:
    """Of one page: milliseconds to the first contentful paint in each round, requests, bytes sent and unpacked."""

    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    requests: int = 0
    sent: int = 0
    unpacked: int = 0


@contextmanager
def house(folder: Path) -> Iterator[tuple[str, Settings]]:
    """A served house: 200 people over 5 years, one promoted model."""
    city.make(folder / "city", people=200, years=5, end=date(2026, 11, 1))
    settings = Settings(folder, folder / "db", folder / "models", folder / "events", b"s" * 64, demo=True)
    with Store(settings.store) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for file in sorted((folder / "city").glob("*.ndjson")):
            lines = file.read_bytes().splitlines()
            named = [(file.stem, line.split(b'"id":"', 1)[1].split(b'"', 1)[0].decode(), line) for line in lines]
            for start in range(0, len(named), 500):
                records.put_many(named[start : start + 500]).result()
        Follower(store, settings.events).catch_up()
        learn_task(task_of(TASK), settings.events, settings.registry)
        app = Starlette(routes=pages(store, Bedside(store, settings.registry), settings))
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=1))
        threading.Thread(target=server.run, daemon=True).start()
        while not server.started:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", settings
        server.should_exit = True
        time.sleep(1.5)


def slowed(page: Page) -> CDPSession:
    """The page on a slow line with a slow processor."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", SLOW_4G)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    return session


def visited(browser: Browser, address: str, settings: Settings, account: str) -> Page:
    context = browser.new_context(base_url=address, viewport={"width": 390, "height": 844})
    if account:
        cookie = opened(settings.secret, ACCOUNTS[account])
        context.add_cookies([{"name": "salus_session", "value": cookie, "url": address}])
    return context.new_page()


def measure(browser: Browser, address: str, settings: Settings, rounds: int) -> dict[str, Weighed]:
    found = {name: Weighed() for name, _, _ in PAGES}
    for _ in range(rounds):
        for name, account, path in PAGES:
            weighed = found[name]
            page = visited(browser, address, settings, account)
            slowed(page)
            page.goto(path, wait_until="load")
            page.wait_for_timeout(1500)
            weighed.cold.append(page.evaluate(FCP))
            sizes = page.evaluate(SIZES)
            weighed.requests, weighed.sent = len(sizes), sum(row[1] for row in sizes)
            weighed.unpacked = sum(row[2] for row in sizes)
            page.goto("/settings", wait_until="load")
            page.goto(path, wait_until="load")
            page.wait_for_timeout(500)
            weighed.warm.append(page.evaluate(FCP))
            page.context.close()
    return found


def spread(times: list[float]) -> str:
    return f"{statistics.median(times) / 1000:.2f} ({min(times) / 1000:.2f}–{max(times) / 1000:.2f})"


def table(found: dict[str, Weighed]) -> str:
    rows = [
        f"| {name} | {one.requests} | {one.sent / 1000:.1f} | {one.unpacked / 1000:.1f} | {spread(one.cold)} "
        f"| {spread(one.warm)} |"
        for name, one in found.items()
    ]
    head = "| page | requests | kB sent | kB unpacked | FCP cold, s | FCP warm, s |\n|---|---|---|---|---|---|"
    return "\n".join([head, *rows])


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def main(rounds: int) -> None:
    if not Path(CHROMIUM).exists():
        print("there is no chromium here: .ci/browsers installs it")
        return
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder, house(Path(folder)) as (address, settings), sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        version = browser.version
        found = measure(browser, address, settings, rounds)
        browser.close()
    cores = subprocess.run(["nproc"], capture_output=True, text=True, check=False).stdout.strip()
    text = RESULTS.format(
        table=table(found), load=load, cores=cores, processor=processor(), version=version, rounds=rounds, slower=SLOWER
    )
    (Path(__file__).parent / "RESULTS.md").write_text(text)
    print(text)


RESULTS = """# Pages: weight and first contentful paint

{table}

FCP: median (lowest–highest) of {rounds} rounds, phone viewport, CPU slowed {slower} times and slow 4G emulated by
chromium (562.5 ms to the first byte of every request, 1.6 Mbit/s). Cold: nothing cached. Warm: scripts kept from
another page. The chart's weight holds everything: the page with its style, htmx, its SSE extension, the icon, the
assistant's panel when it has come. "Sent" is compressed, with headers; most of "unpacked" is htmx (51 kB, 17 kB sent).
Goal: FCP under 1.5 s, under 60 kB a page.

Machine: {cores} cores, {processor}, load average {load:.1f} before it began, chromium {version}.
Data: 200 people over 5 years of the demonstration city, the busiest showcase patient's chart.
Script: `benchmarks/web/measure.py`.
"""

if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
