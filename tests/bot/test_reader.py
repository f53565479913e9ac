"""The process that reads what parents write."""

from __future__ import annotations

import psutil

from bot.understanding import Reader
from bot.worker import Worker


async def test_no_second_thread_multiplies_matrices_and_burns_a_core(worker: Worker) -> None:
    reader = worker._conversations._reader
    assert isinstance(reader, Reader)
    await reader.understand("han vill inte gå till skolan", "sv")
    assert reader._child is not None
    assert psutil.Process(reader._child.pid).environ()["OPENBLAS_NUM_THREADS"] == "1"
