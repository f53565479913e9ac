"""Structured logs as JSON on standard error; never a parent's text, name or number.

Rasa logs message texts and slots, so none of its own log lines are let through.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import Any

import structlog

_QUIET = ("rasa", "rasa_sdk", "apscheduler", "matplotlib", "sanic", "asyncio")


def get_log() -> Any:
    """The product's logger."""
    return structlog.wrap_logger(
        _Lines(),
        processors=[
            structlog.processors.add_log_level,
            _drop_below_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        context_class=dict,
    )


class _Lines:
    """Prints to standard error; a full disk costs the line, never a parent's answer."""

    def msg(self, line: str) -> None:
        with suppress(OSError, ValueError):
            print(line, file=sys.stderr, flush=True)  # noqa: T201 - standard error is the log

    debug = info = warning = error = critical = msg


_level = logging.INFO


def _drop_below_level(_: Any, __: str, event: Any) -> Any:
    if logging.getLevelNamesMapping()[event["level"].upper()] < _level:
        raise structlog.DropEvent
    return event


def configure_logging(level: str) -> None:
    """Set the lowest level logged, and silence the libraries that would log texts."""
    global _level
    _level = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    logging.basicConfig(level=logging.WARNING, format="%(name)s %(levelname)s")
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
