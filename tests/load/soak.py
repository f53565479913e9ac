"""Start, a burst, and a long even load on the whole product: times, order, memory."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import threading
import time
from dataclasses import dataclass, field

import psutil

from tests.browser.product import Product, running_product
from tests.load import busy

BURST = (50.0, 30.0, 60.0)  # messages a second, seconds, seconds in which all are answered
LOOK = 5.0  # seconds between looks at memory
WARM = 0.2  # of the soak, before memory is compared


@dataclass
class Memory:
    """Resident memory of all processes of the product, in MB, from time to time."""

    product: Product
    seen: list[float] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        while not self._stop.wait(LOOK):
            self.seen.append(resident(self.product))

    def stop(self) -> None:
        self._stop.set()

    @property
    def growth(self) -> float:
        """From the end of the warming up to the end, in percent; middle of ten looks each."""
        start = int(len(self.seen) * WARM)
        if len(self.seen) - start < 4:
            return 0.0
        many = min(10, (len(self.seen) - start) // 2)
        before = sorted(self.seen[start : start + many])[many // 2]
        after = sorted(self.seen[-many:])[many // 2]
        return round(100 * (after - before) / before, 1)


def resident(product: Product) -> float:
    """MB of the product: private and shared, each page once (PSS)."""
    top = psutil.Process(product.process.pid)
    found = {one.pid: one for one in [top, *top.children(recursive=True)]}
    for one in psutil.process_iter(["cmdline"]):
        if product.environment["LOTSA_DATA"] in " ".join(one.info["cmdline"] or ()):
            found |= {near.pid: near for near in [one, *one.children(recursive=True)]}
    total = 0
    for one in found.values():
        try:
            total += one.memory_full_info().pss
        except psutil.Error:
            continue
    return round(total / 1e6)


async def burst(product: Product) -> dict[str, object]:
    """Whether a rush is answered whole, in order and in time."""
    a_second, seconds, within = BURST
    begun = time.perf_counter()
    busy.GRACE = within
    chats = await busy.keep_busy(product.address, 200, a_second, seconds)
    figures = busy.report(chats)
    return {
        **figures,
        "drained_after": round(time.perf_counter() - begun - seconds, 1),
        "out_of_order": sum(chat.seen != sorted(chat.seen) for chat in chats),
    }


def main() -> None:
    """Print one object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=10.0, help="messages a second")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--no-burst", action="store_true")
    asked = parser.parse_args()
    begun = time.perf_counter()
    with running_product(**busy.NO_LIMITS) as product:
        told: dict[str, object] = {"cold_start_seconds": round(time.perf_counter() - begun, 1)}
        told["load_before"] = round(os.getloadavg()[0], 1)
        memory = Memory(product)
        watching = threading.Thread(target=memory.watch)
        watching.start()
        try:
            chats = asyncio.run(busy.keep_busy(product.address, 200, asked.rate, asked.seconds))
        finally:
            memory.stop()
            watching.join()
        told |= {"soak": busy.report(chats), "seconds": asked.seconds, "rate": asked.rate}
        told |= {"memory_mb": memory.seen[-1:], "memory_growth_percent": memory.growth}
        if not asked.no_burst:
            told["burst"] = asyncio.run(burst(product))
    sys.stdout.write(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
