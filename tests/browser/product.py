"""The whole product on a free port with data of its own, and how its pages are used."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 20_000.0  # ms; the machine of a test run is busy
STARTS_WITHIN = 90.0  # seconds; the dialogue rules may have to be compiled first
STOPS_WITHIN = 20.0  # seconds
NOT_OURS = {"LOTSA_DATABASE_URL", "LOTSA_KEY_FILE", "LOTSA_HOST"}  # an installation's, never used

MOST_QUESTIONS = 12
SITUATION = (
    "Min son är 13 år och kommer inte iväg till skolan längre. BUP, socialtjänsten och "
    "skolan skickar oss runt mellan sig, och det är ingen som samordnar."
)
DANGER = "Min dotter har tagit en hel ask tabletter nu ikväll"
PASSWORD = "ett långt lösenord"


@dataclass
class Product:
    """`lotsa serve`, running."""

    process: subprocess.Popen[bytes]
    environment: dict[str, str]
    address: str
    log: Path

    def add_guide(
        self,
        login: str,
        name: str = "Anna",
        municipality: str = "strangnas",
        function: str = "guide",
        roles: str = "guide",
    ) -> None:
        """An account, made as an operator makes it. Raises RuntimeError when it is refused."""
        person = [
            "--municipality",
            municipality,
            "--login",
            login,
            "--name",
            name,
            "--roles",
            roles,
        ]
        done = subprocess.run(
            [*_command("guide", "add"), *person, "--function", function, "--password", PASSWORD],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(done.stderr)

    def wait_until_it_answers(self) -> None:
        """Returns when web and worker have answered a parent. Raises RuntimeError with the log."""
        with httpx.Client(base_url=self.address, timeout=10.0) as client:
            self._wait(lambda: client.get("/health").is_success)
            opened = client.post("/api/conversations", json={"municipality": "demokommun"})
            opened.raise_for_status()
            conversation = opened.json()
            headers = {"Authorization": f"Bearer {conversation['token']}"}
            url = f"/api/conversations/{conversation['conversation_id']}/messages"
            greeting = {"id": str(uuid4()), "text": "Hej"}
            sent = client.post(url, json=greeting, headers=headers).raise_for_status()
            after = f"{url}?after={sent.json()['seq']}"
            self._wait(lambda: bool(client.get(after, headers=headers).json()["messages"]))

    def _wait(self, is_there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if is_there():
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise RuntimeError("the product does not answer:\n" + self.log.read_text()[-4000:])

    def stop(self) -> None:
        """Stop it as Ctrl-C or a service manager does; what is left after that is killed."""
        self.process.terminate()
        try:
            self.process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._stop_database()

    def _stop_database(self) -> None:
        """The embedded server, if it outlived its users."""
        mark = self.log.parent / "postgres" / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int(mark.read_text().splitlines()[0]), signal.SIGINT)
        deadline = time.monotonic() + STOPS_WITHIN
        while mark.exists() and time.monotonic() < deadline:
            time.sleep(0.1)


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "channels.cli", *arguments]


@contextmanager
def running_product(**settings: str) -> Iterator[Product]:
    """The product with data of its own, answering; stopped and removed afterwards.

    `settings` are environment variables of its own.

    Not in pytest's folder: pytest closes that to the user the embedded database runs as.
    """
    with tempfile.TemporaryDirectory(prefix="lotsa-", ignore_cleanup_errors=True) as folder:
        product = _start(Path(folder), settings)
        try:
            product.wait_until_it_answers()
            yield product
        finally:
            product.stop()


def _start(folder: Path, settings: Mapping[str, str]) -> Product:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if name not in NOT_OURS},
        "LOTSA_PORT": str(port),
        "LOTSA_DATA": str(folder),
        "LOTSA_UNDERSTAND_TIMEOUT": "20",
        "LOTSA_ENGINE_TIMEOUT": "20",
        "LOTSA_LEASE": "60",
        "LOTSA_WIDGET_ORIGINS": json.dumps({"strangnas": [f"http://localhost:{port}"]}),
        **settings,
    }
    log = folder / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            _command("serve"),
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Product(process, environment, f"http://127.0.0.1:{port}", log)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Debian's Chromium; nothing is downloaded."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


# --- What a parent does ---


def open_chat(page: Page, municipality: str = "strangnas") -> None:
    """Come to the chat of a municipality and wait for the first words."""
    page.goto(f"/chat/{municipality}?lang=sv")
    page.locator(".message-bot .choices").first.wait_for()


def write(page: Page, text: str) -> None:
    """Write to whoever answers."""
    page.locator("#text").fill(text)
    page.locator("#text").press("Enter")


def choose(page: Page, label: str) -> None:
    """Press a choice that is still open."""
    page.locator(".choices:not(.choices-closed)").get_by_role("button", name=label).last.click()


def tell_situation(page: Page) -> None:
    """Write the situation, answer what is asked and wait until the whole answer is there."""
    write(page, SITUATION)
    choose(page, "Mer än ett halvår")
    skip_rest(page)


def skip_rest(page: Page) -> None:
    """Skip every question that is left, until help has been suggested."""
    enough = page.get_by_role("button", name="Ja, det räcker nu")
    skip = page.locator(".choices:not(.choices-closed)").get_by_role("button", name="Hoppa över")
    for _ in range(MOST_QUESTIONS):
        enough.or_(skip).last.wait_for()
        if enough.count():
            return
        before = page.locator(".message-bot").count()
        skip.last.click()
        page.locator(".message-bot").nth(before).wait_for()
    raise AssertionError("the questions never end")


def ask_for_person(page: Page) -> None:
    """Ask for a person and agree that the guide may read the summary."""
    page.locator("#person").click()
    choose(page, "Ja, ge guiden sammanfattningen")
    page.get_by_text("får sammanfattningen, så att").wait_for()


# --- What a guide does ---


def sign_in(page: Page, login: str, municipality: str = "strangnas") -> None:
    """Sign in to the console."""
    page.goto("/console/login")
    page.locator("#municipality").select_option(municipality)
    page.locator("#login").fill(login)
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name="Logga in").click()
    page.locator("#queue-count:not(:empty)").wait_for()


def take_over(page: Page, parent: Page) -> None:
    """Take this parent's conversation; others may be waiting too."""
    stored = parent.evaluate("Object.values(sessionStorage)[0]")
    conversation = json.loads(stored)["conversation_id"]
    queue = page.request.get("/console/api/queue").json()["handoffs"]
    handoff = next(one["id"] for one in queue if one["conversation_id"] == conversation)
    page.locator(f"[data-handoff='{handoff}']").click()
    page.locator("#pane-open").wait_for()
