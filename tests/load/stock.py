"""Stock Rasa beside Lotsa, served its usual way on the same dialogues: turns, waits, memory.

    python3.10 -m venv STOCK && STOCK/bin/pip install rasa==3.6.21
    .venv/bin/python -m tests.load.stock --stock STOCK/bin/rasa

Stock Rasa is given our rules, our Swedish examples of intents and its default pipeline (DIET). Its
actions are answered by a stub, so that it has no needs, danger, search or database to work with;
ours is the whole product, including the commit of every turn.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psutil
import yaml

from bot.settings import settings
from nlu.train import intent_examples
from tests.browser.product import running_product
from tests.load import busy, soak

DIALOGUES, AT_ONCE = 60, 10
STARTS_WITHIN = 300.0  # seconds
PATIENCE = 60.0  # seconds for one answer
SAID = (
    "Hej",
    "Min son är 13 år och går inte till skolan",
    "fem månader",
    "skolan och bup",
    "inte så bra",
    "vet inte",
    "fotboll",
    "nej tack",
    "vem är du",
    "tack",
)
PIPELINE: list[dict[str, Any]] = [
    {"name": "WhitespaceTokenizer"},
    {"name": "RegexFeaturizer"},
    {"name": "LexicalSyntacticFeaturizer"},
    {"name": "CountVectorsFeaturizer"},
    {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
    {"name": "DIETClassifier", "epochs": 100, "constrain_similarities": True},
    {"name": "EntitySynonymMapper"},
    {"name": "ResponseSelector", "epochs": 100, "constrain_similarities": True},
    {"name": "FallbackClassifier", "threshold": 0.3, "ambiguity_threshold": 0.1},
]
Say = Callable[[str], Awaitable[None]]


class _Stub(BaseHTTPRequestHandler):
    """An action server that says which action was asked for."""

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        action = json.loads(self.rfile.read(length))["next_action"]
        body = json.dumps({"events": [], "responses": [{"text": action}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is written."""


def write_project(folder: Path, actions: int) -> None:
    """Our rules with stock Rasa's default pipeline, below `folder`."""
    ours = settings().rasa_project
    shutil.copy(ours / "domain.yml", folder / "domain.yml")
    shutil.copytree(ours / "data", folder / "data")
    config = yaml.safe_load((ours / "config.yml").read_text(encoding="utf-8"))
    policies = [one for one in config["policies"] if one["name"] == "RulePolicy"]
    _dump(folder / "config.yml", {**config, "pipeline": PIPELINE, "policies": policies})
    said: dict[str, list[str]] = {}
    for example in intent_examples():
        if example.language == "sv":
            said.setdefault(example.intent, []).append(" ".join(example.text.split()))
    nlu = [
        {"intent": intent, "examples": "".join(f"- {text}\n" for text in texts)}
        for intent, texts in said.items()
    ]
    _dump(folder / "data" / "nlu.yml", {"version": "3.1", "nlu": nlu})
    endpoint = {"action_endpoint": {"url": f"http://127.0.0.1:{actions}/webhook"}}
    _dump(folder / "endpoints.yml", endpoint)
    _dump(folder / "credentials.yml", {"rest": None})


def _dump(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


@contextmanager
def stub_actions() -> Iterator[int]:
    """The stub's port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Stub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()


def stock(rasa: Path) -> dict[str, Any]:
    """Train, serve and drive stock Rasa. Raises CalledProcessError."""
    environment = {**os.environ, "RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}
    with TemporaryDirectory() as name, stub_actions() as actions:
        folder = Path(name)
        write_project(folder, actions)
        begun = time.perf_counter()
        with (folder / "train.log").open("wb") as log:
            done = subprocess.run(
                [str(rasa), "train"],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
                check=False,
            )
        if done.returncode:
            raise RuntimeError((folder / "train.log").read_text()[-3000:])
        trained = time.perf_counter() - begun
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [str(rasa), "run", "-p", str(port), "--endpoints", "endpoints.yml"]
        command += ["--credentials", "credentials.yml", "-i", "127.0.0.1"]
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            figures = asyncio.run(_drive_stock(port, begun))
            figures["memory_mb"] = _held(psutil.Process(process.pid))
        finally:
            process.kill()
            process.wait()
    return {"training_seconds": round(trained), **figures}


async def _drive_stock(port: int, begun: float) -> dict[str, Any]:
    address = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=address, timeout=PATIENCE) as client:
        deadline = begun + STARTS_WITHIN
        while time.perf_counter() < deadline:
            try:
                if (await client.get("/")).is_success:
                    break
            except httpx.HTTPError:
                await asyncio.sleep(0.2)
        started = time.perf_counter() - begun

        def parent(number: int) -> Say:
            async def say(text: str) -> None:
                body = {"sender": f"p{number}", "message": text}
                (await client.post("/webhooks/rest/webhook", json=body)).raise_for_status()

            return say

        return {"start_seconds": round(started, 1), **await _talked(parent)}


def ours() -> dict[str, Any]:
    """Drive the whole product."""
    begun = time.perf_counter()
    with running_product(**busy.NO_LIMITS) as product:
        started = time.perf_counter() - begun
        figures = asyncio.run(_drive_ours(product.address))
        figures["memory_mb"] = soak.resident(product)
    return {"start_seconds": round(started, 1), **figures}


async def _drive_ours(address: str) -> dict[str, Any]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=address, limits=limits, timeout=PATIENCE) as client:
        chats = await busy.open_chats(client, DIALOGUES)
        opened = [asyncio.Event() for _ in chats]
        streams = [asyncio.create_task(c.listen(o)) for c, o in zip(chats, opened, strict=True)]
        await asyncio.gather(*(one.wait() for one in opened))

        def parent(number: int) -> Say:
            chat = chats[number]

            async def say(text: str) -> None:
                await chat.say(text)
                deadline = time.perf_counter() + PATIENCE
                while chat.sent and time.perf_counter() < deadline:
                    await asyncio.sleep(0.002)

            return say

        figures = await _talked(parent)
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
    return figures


async def _talked(parent: Callable[[int], Say]) -> dict[str, Any]:
    """All dialogues, `AT_ONCE` parents at a time, each waiting for the answer before going on."""
    waits: list[float] = []
    numbers = iter(range(DIALOGUES))

    async def parents() -> None:
        for number in numbers:
            say = parent(number)
            for text in SAID:
                begun = time.perf_counter()
                await say(text)
                waits.append((time.perf_counter() - begun) * 1000)

    begun = time.perf_counter()
    await asyncio.gather(*(parents() for _ in range(AT_ONCE)))
    seconds = time.perf_counter() - begun
    cuts = statistics.quantiles(waits, n=20)
    return {
        "turns": len(waits),
        "turns_a_second": round(len(waits) / seconds, 1),
        "p50_ms": round(cuts[9]),
        "p95_ms": round(cuts[18]),
    }


def _held(process: psutil.Process) -> int:
    """MB of a process and its children: private and shared, each page once (PSS)."""
    found = [process, *process.children(recursive=True)]
    return round(sum(one.memory_full_info().pss for one in found) / 1e6)


def main() -> None:
    """Print one object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stock", type=Path, help="the command `rasa` of Rasa 3.6.21")
    asked = parser.parse_args()
    told: dict[str, Any] = {"dialogues": DIALOGUES, "at_once": AT_ONCE, "ours": ours()}
    if asked.stock:
        told["stock"] = stock(asked.stock)
    sys.stdout.write(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
