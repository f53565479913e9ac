"""Colours per municipality: data, checked for contrast when the web process starts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

FOLDER = Path(__file__).parent
THEMES = FOLDER / "themes.yml"
BASE = FOLDER / "static" / "base.css"
TEXT_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
EDGE_CONTRAST = 3.0  # WCAG 2.2, 1.4.11
TEXT_PAIRS = (
    ("on-brand", "brand"),
    ("on-brand", "brand-strong"),
    ("brand", "paper"),
    ("brand", "surface"),
    ("brand", "brand-tint"),
    ("brand-strong", "surface"),
    ("brand-strong", "brand-tint"),
    ("ink", "brand-tint"),
    ("ink-soft", "brand-tint"),
)
EDGE_PAIRS = (("focus", "brand-tint"),)

Tokens = Mapping[str, str]
Color = Field(None, pattern=r"^#[0-9a-f]{6}$")


class ThemeError(ValueError):
    """A theme cannot be read by everybody; the message names the colours."""


class Colors(BaseModel):
    """What a municipality may set; the rest is Lotsa's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    brand: str | None = Color
    brand_strong: str | None = Color
    brand_tint: str | None = Color
    on_brand: str | None = Color

    @property
    def tokens(self) -> Tokens:
        set_here = self.model_dump(exclude_none=True)
        return {name.replace("_", "-"): value for name, value in set_here.items()}


class Theme(BaseModel):
    """The colours of one municipality in light and dark."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    light: Colors = Colors()
    dark: Colors = Colors()

    @property
    def css(self) -> str:
        """A style sheet that overrides the tokens of base.css."""
        return (
            f":root {{{_declared(self.light.tokens)}}}\n"
            f"@media (prefers-color-scheme: dark) {{:root {{{_declared(self.dark.tokens)}}}}}\n"
        )


def load_themes(path: Path = THEMES) -> dict[str, Theme]:
    """Themes by municipality. Raises ThemeError where a pair of colours contrasts too little."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    themes = {name: Theme.model_validate(colors) for name, colors in raw.items()}
    light, dark = base_tokens()
    for name, theme in themes.items():
        check(name, {**light, **theme.light.tokens})
        check(name, {**dark, **theme.dark.tokens})
    return themes


def base_tokens(path: Path = BASE) -> tuple[Tokens, Tokens]:
    """Lotsa's own colours, light and dark."""
    roots = re.findall(r":root \{(.*?)\}", path.read_text(encoding="utf-8"), re.S)
    light, dark = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", root)) for root in roots[:2])
    return light, {**light, **dark}


def check(name: str, tokens: Tokens) -> None:
    """Raises ThemeError naming the first pair that contrasts too little."""
    for pairs, least in ((TEXT_PAIRS, TEXT_CONTRAST), (EDGE_PAIRS, EDGE_CONTRAST)):
        for one, other in pairs:
            ratio = contrast(tokens[one], tokens[other])
            if ratio < least:
                raise ThemeError(f"{name}: {one} on {other} contrasts {ratio:.1f}:1, not {least}:1")


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two #rrggbb colours as WCAG 2.2 defines it."""
    light = sorted((_luminance(one), _luminance(other)))
    return (light[1] + 0.05) / (light[0] + 0.05)


def _luminance(color: str) -> float:
    parts = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _declared(tokens: Tokens) -> str:
    return " ".join(f"--{name}: {value};" for name, value in tokens.items())
