"""What we serve from static/: known vendors, one list of files, small, nothing from anybody else."""

import hashlib
import json
import re
from pathlib import Path

import brotli  # type: ignore[import-untyped]
import pytest

ROOT = Path(__file__).resolve().parents[2]
CSS = ROOT / "static" / "css"
JS = ROOT / "static" / "js"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
PAGES = [path for path in TEMPLATES if path.name not in ("email.html", "mail.html") and "emails" not in path.parts]
VENDORED = json.loads((JS / "vendor" / "vendor.json").read_text())


def bundle(folder: Path, listed: str = "bundle.txt") -> list[str]:
    """The files that everybody loads, or those of "admin.txt", which only admins load besides."""
    return (folder / listed).read_text().split()


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("vendor", VENDORED, ids=lambda vendor: str(vendor["file"]))
def test_a_vendored_file_is_the_published_one_and_brings_its_licence(vendor: dict[str, str]) -> None:
    assert hashlib.sha256((ROOT / vendor["file"]).read_bytes()).hexdigest() == vendor["sha256"]
    assert (ROOT / vendor["licence_file"]).stat().st_size > 400


def test_every_vendored_script_is_written_down() -> None:
    scripts = [*(JS / "vendor").glob("*.js"), *(ROOT / "tests" / "browser" / "vendor").glob("*.js")]
    assert {name(path) for path in scripts} == {vendor["file"] for vendor in VENDORED}


@pytest.mark.parametrize(("folder", "ending"), [(CSS, "css"), (JS, "js")])
def test_the_bundles_name_every_file_once(folder: Path, ending: str) -> None:
    there = {str(path.relative_to(folder)) for path in folder.rglob(f"*.{ending}")}
    listed = bundle(folder) + bundle(folder, "admin.txt")
    assert set(listed) == there
    assert len(listed) == len(there)


def test_the_order_of_layers_comes_first_and_everything_is_in_one() -> None:
    assert bundle(CSS)[0] == "layers.css"
    layered = bundle(CSS)[1:] + bundle(CSS, "admin.txt")
    loose = [path for path in layered if not (CSS / path).read_text().startswith("@layer ")]
    assert loose == []


def test_a_component_is_short() -> None:
    long = {name(path): lines for path in CSS.rglob("*.css") if (lines := path.read_text().count("\n")) > 150}
    assert long == {}


def test_colours_are_named_in_tokens_only() -> None:
    raw = re.compile(r"#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(")
    raw_colours = {}
    for path in CSS.rglob("*.css"):
        rules = re.sub(r"url\([^)]*\)", "", path.read_text())
        if found := raw.findall(rules):
            raw_colours[name(path)] = found
    assert raw_colours == {}


def test_nothing_is_loaded_from_anybody_else() -> None:
    outside = re.compile(
        r"""\b(?:src|action)=["'](?:https?:)?//|<link[^>]*//|(?<![\w.])url\((?!["']?(?:data:|#))|@import"""
    )
    files = [*CSS.rglob("*.css"), *PAGES]
    assert [name(path) for path in files if outside.search(path.read_text())] == []


def test_the_stylesheet_is_small() -> None:
    whole = b"\n".join((CSS / path).read_bytes() for path in bundle(CSS))
    assert len(brotli.compress(whole)) <= 10_000


def test_our_own_scripts_stay_short_and_utilities_under_30() -> None:
    own = [path for path in bundle(JS) if not path.startswith("vendor/")]
    assert sum((JS / path).read_text().count("\n") for path in own) <= 270
    assert sum((JS / path).read_text().count("\n") for path in bundle(JS, "admin.txt")) <= 90
    utilities = set(re.findall(r"^\s+\.([a-z0-9-]+)", (CSS / "utilities.css").read_text(), re.M))
    assert len(utilities) <= 30


def test_no_page_carries_style_or_script_of_its_own() -> None:
    forbidden = re.compile(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|\shx-on|[\"']js:|\|\s*safe\b")
    found = {name(path): match.group() for path in PAGES if (match := forbidden.search(path.read_text()))}
    assert found == {}


def test_every_icon_that_is_drawn_is_in_the_sprite() -> None:
    there = set(re.findall(r'<symbol id="([a-z0-9-]+)"', (ROOT / "static" / "icons" / "sprite.svg").read_text()))
    drawn = {icon for path in TEMPLATES for icon in re.findall(r'\bicon\(\s*"([a-z0-9-]+)"', path.read_text())}
    assert drawn - there == set()
