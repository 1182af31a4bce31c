"""The contrast of the named colours, light and dark, worked out from tokens.css (WCAG 2)."""

import math
import re
from pathlib import Path

import pytest

TOKENS = (Path(__file__).resolve().parents[2] / "static" / "css" / "tokens.css").read_text()
LIGHT, DARK = TOKENS.split("prefers-color-scheme: dark", 1)
GROUNDS = ("paper", "card", "sunk", "gold-tint", "leaf-tint", "brick-tint")
WORDS = [
    *(("ink", ground) for ground in (*GROUNDS, "tile-1", "tile-2", "tile-3", "tile-4")),
    *(("soft", ground) for ground in ("paper", "card", "sunk", "gold-tint", "leaf-tint")),
    *(("leaf-ink", ground) for ground in ("paper", "card", "leaf-tint")),
    ("on-leaf", "leaf"),
    ("on-leaf", "leaf-deep"),
    ("gold-ink", "gold-tint"),
    ("on-gold", "gold"),
    ("brick-ink", "brick-tint"),
    ("brick-ink", "card"),
    ("on-wall", "wall"),
    ("on-wall-soft", "wall"),
    ("on-wall-soft", "wall-2"),
    ("on-pick", "pick"),
]
LINES = [("edge", "card"), ("edge", "paper"), ("edge", "sunk"), ("gold-line", "card"), ("gold-line", "paper")]
LINES += [("brick", "card"), ("leaf", "card"), ("leaf", "paper"), ("gold", "wall")]


def colours(text: str) -> dict[str, tuple[float, ...]]:
    return {
        name: tuple(map(float, numbers.split()))
        for name, numbers in re.findall(r"--([a-z0-9-]+): oklch\(([\d. ]+)\)", text)
    }


def luminance(colour: tuple[float, ...]) -> float:
    """Relative luminance of an OKLCH colour, each channel held inside sRGB."""
    light, chroma, hue = colour
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (light - 0.0894841775 * a - 1.291485548 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short
    red, green, blue = (min(1.0, max(0.0, channel)) for channel in (red, green, blue))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: tuple[float, ...], other: tuple[float, ...]) -> float:
    dark, bright = sorted((luminance(first), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


THEMES = {"light": colours(LIGHT), "dark": {**colours(LIGHT), **colours(DARK)}}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("word", "ground"), WORDS)
def test_words_can_be_read(theme: str, word: str, ground: str) -> None:
    assert contrast(THEMES[theme][word], THEMES[theme][ground]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("line", "ground"), LINES)
def test_lines_that_mean_something_can_be_seen(theme: str, line: str, ground: str) -> None:
    assert contrast(THEMES[theme][line], THEMES[theme][ground]) >= 3


def test_dark_points_every_ground_to_another_value() -> None:
    assert [name for name in (*GROUNDS, "ink", "leaf", "wall") if colours(LIGHT)[name] == colours(DARK)[name]] == []
