"""Papers as PDF: A4, tagged for screen readers (PDF/UA-1), made without asking the network.

WeasyPrint needs the library pango of the operating system; where that is missing no PDF is made,
and the pages offer printing instead.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from types import ModuleType
from typing import Any

from bot.log import get_log

log = get_log()
VARIANT = "pdf/ua-1"
_at_once = asyncio.Semaphore(2)


class NoPdfError(RuntimeError):
    """This machine cannot make PDF."""


@lru_cache
def _weasyprint() -> ModuleType | None:
    try:
        import weasyprint
    except (ImportError, OSError) as error:  # OSError: pango is not on the machine
        log.warning("no_pdf", error=type(error).__name__)
        return None
    module: ModuleType = weasyprint
    return module


def can_make_pdf() -> bool:
    """Whether this machine makes PDF."""
    return _weasyprint() is not None


async def pdf_of(html: str) -> bytes:
    """A page as PDF; its `lang` and `title` become the document's. Raises NoPdfError."""
    weasyprint = _weasyprint()
    if weasyprint is None:
        raise NoPdfError
    async with _at_once:
        return await asyncio.to_thread(_write, weasyprint, html)


def _write(weasyprint: Any, html: str) -> bytes:
    nothing_fetched = weasyprint.urls.URLFetcher(allowed_protocols=())
    document = weasyprint.HTML(string=html, url_fetcher=nothing_fetched)
    pdf: bytes = document.write_pdf(pdf_variant=VARIANT)
    return pdf
