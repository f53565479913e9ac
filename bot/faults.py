"""Named points of a turn where a fault can be put in from outside, to prove that nothing is lost.

Inert unless `LOTSA_FAULTS` names a folder. There a file named as a point holds what is to happen to
whoever reaches it first: `kill` (as kill -9), `fail` (an exception) or `sleep <seconds>`.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

VARIABLE = "LOTSA_FAULTS"
WEB = ("received", "in_accept", "accepted")
WORKER = ("claimed", "heard", "decided", "finishing", "stored", "finished")
PARTS = ("understanding", "engine")
POINTS = (*WEB, *WORKER, *PARTS)
_folder = os.environ.get(VARIABLE)


class InjectedError(RuntimeError):
    """What a point raises that was told to fail."""


def reach(point: str) -> None:
    """This process is at the point; nothing happens outside fault tests."""
    if _folder is not None:
        _suffer(Path(_folder) / point)


def _suffer(order: Path) -> None:
    """Carry out the order, once: whoever renames the file has it."""
    taken = order.with_suffix(f".{os.getpid()}")
    with suppress(FileNotFoundError):
        order.rename(taken)
        what, _, seconds = taken.read_text().partition(" ")
        taken.unlink()
        if what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "sleep":
            time.sleep(float(seconds))
        if what == "fail":
            raise InjectedError(order.name)
