"""What the engine asks to have said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ReplyRequest:
    """A reply to be worded: its id and the values it is worded with."""

    id: str
    values: Mapping[str, Any] = field(default_factory=dict)
