"""What every answer carries against misuse, and who may show a page in a frame."""

from __future__ import annotations

from collections.abc import Sequence

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Strict-Transport-Security": "max-age=31536000",
}


def framed_by(origins: Sequence[str]) -> str:
    """The policy of a page that these origins may frame, and no other."""
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    return policy.replace("frame-ancestors 'none'", f"frame-ancestors {' '.join(origins)}")
