"""The pages of the console, and who sees which in the menu."""

from __future__ import annotations

from channels.accounts import ADMINISTERS, EDITS, HANDLES, READS_TEXTS, REVISES, Guide

EVERYBODY = HANDLES | EDITS | READS_TEXTS | ADMINISTERS | REVISES
REMOVES_BARRIERS = EDITS | ADMINISTERS
# Text, address, and whose page it is.
_PAGES = (
    ("console_frame_conversations", "/console", HANDLES),
    ("console_frame_catalogue", "/console/catalogue", EDITS),
    ("console_frame_texts", "/console/texter", READS_TEXTS),
    ("console_frame_barriers", "/console/barriers", REMOVES_BARRIERS),
    ("console_frame_accounts", "/console/konton", ADMINISTERS),
    ("console_frame_audit", "/console/revision", REVISES),
    ("console_frame_own", "/console/konto", EVERYBODY),
)


def pages_of(guide: Guide) -> list[tuple[str, str]]:
    """The id of the text and the address of every page somebody may open."""
    return [(text, address) for text, address, roles in _PAGES if guide.may(roles)]
