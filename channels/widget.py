"""The chat on a municipality's own site: its colours, and a page that shows how."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates

from channels.doors import Doors
from channels.errors import DoorError, language_of
from channels.web import FOLDER, doors_of

DEMO = "demokommun"
# As strict as a municipality's own site may be: no inline script, no inline style.
HOST_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

router = APIRouter(tags=["access:public"])
templates = Jinja2Templates(FOLDER / "templates")


@router.get("/theme/{municipality}.css")
async def theme_sheet(request: Request, municipality: str) -> Response:
    """The colours of a municipality that has its own."""
    theme = doors_of(request).themes.get(municipality)
    if theme is None:
        raise DoorError("unknown_page")
    return Response(theme.css, media_type="text/css", headers={"Cache-Control": "max-age=3600"})


@router.get("/demo/widget", response_class=HTMLResponse)
async def demo_page(request: Request) -> Response:
    """A page as a municipality's might be, with the chat in it."""
    doors = doors_of(request)
    language = language_of(request, doors.content)
    context = {
        "t": doors.content.chrome(language, "widget_"),
        "lang": language,
        "dir": doors.content.direction(language),
        "municipality": DEMO,
        "color": _color(doors),
        "origin": str(request.base_url).rstrip("/"),
    }
    response = templates.TemplateResponse(request, "demo_widget.html", context)
    response.headers["Content-Security-Policy"] = HOST_POLICY
    return response


def _color(doors: Doors) -> str:
    theme = doors.themes.get(DEMO)
    return (theme and theme.light.brand) or "#0f5a52"
