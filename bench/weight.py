"""Measure bytes (Brotli) and requests of a first visit, with all files of the page, and of a later page."""

import argparse
import asyncio
import re
from collections.abc import Iterable
from html.parser import HTMLParser
from typing import Any

from app.core.db import Database
from bench.load import fetch, request
from bench.pages import COOKIE
from bench.processes import Process, web
from bench.servers import BenchServers, temporary_servers
from bench.tables import print_table
from bench.town import ADYAR, Town, build, sign_in

COLUMNS = ("page", "first visit, kB", "requests", "later page, kB", "headers, kB", "HTML uncompressed, kB", "target")
WEIGHT_TARGET = "≤ 50 kB in ≤ 6 requests, then ≤ 15 kB"
URL = re.compile(rb"url\(\s*['\"]?([^'\")]+)")


class PageFiles(HTMLParser):
    """The files that a browser loads with a page."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "link" and (attributes.get("rel") or "") not in ("canonical", "prefetch", "alternate"):
            self._add(attributes.get("href"))
        elif tag in ("script", "img", "source"):
            self._add(attributes.get("src"))
        elif tag == "use":
            self._add(attributes.get("href") or attributes.get("xlink:href"))

    def _add(self, address: str | None) -> None:
        file = (address or "").partition("#")[0]
        if file and not file.startswith("data:"):
            self.files[file] = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--files", action="store_true", help="list every file with its size")


def run(args: argparse.Namespace) -> None:
    with temporary_servers() as servers:
        town = build(servers, professionals=300, bookings=5_000)
        with web(servers) as process:
            rows, files = asyncio.run(_measure(servers, process, town))
    print_table("Weight of pages on the wire, headers included", COLUMNS, rows)
    if args.files:
        print_table("Files of a first visit", ("file", "kB"), sorted(files.items()))


async def _measure(
    servers: BenchServers, process: Process, town: Town
) -> tuple[list[tuple[Any, ...]], dict[str, float]]:
    database = Database(servers.app)
    customer = COOKIE + await sign_in(database, town.customer)
    professional = COOKIE + await sign_in(database, town.professional)
    await database.close()
    pages = (
        ("home", "/", ""),
        ("results", f"/services?q=leak&pincode={ADYAR}", ""),
        ("service", f"/services/{town.service}?pincode={ADYAR}", ""),
        ("booking", f"/bookings/{town.reference}", customer),
        ("jobs", "/jobs", professional),
    )
    rows, all_files = [], dict[str, float]()
    for name, path, cookie in pages:
        head, body = await fetch(process.port, request(path, cookie))
        text = await _fetch_uncompressed(process.port, path, cookie)
        files = await _files(process.port, text, cookie)
        all_files |= files
        later = len(head) + len(body)
        first = later / 1000 + sum(files.values())
        rows.append((name, first, 1 + len(files), later / 1000, len(head) / 1000, len(text) / 1000, WEIGHT_TARGET))
    return rows, all_files


async def _fetch_uncompressed(port: int, path: str, cookie: str) -> bytes:
    _, body = await fetch(port, _without_compression(request(path, cookie)))
    return body


async def _files(port: int, html: bytes, cookie: str) -> dict[str, float]:
    """Return kB of each file that the page or its stylesheets refer to."""
    page_files = PageFiles()
    page_files.feed(html.decode())
    sizes: dict[str, float] = {}
    pending = list(page_files.files)
    while pending:
        address = pending.pop()
        if address in sizes:
            continue
        head, body = await fetch(port, request(address, cookie))
        sizes[address] = (len(head) + len(body)) / 1000
        if address.endswith(".css"):
            _, css = await fetch(port, _without_compression(request(address)))
            pending += _from_styles(css)
    return sizes


def _from_styles(css: bytes) -> Iterable[str]:
    return [url.decode() for url in URL.findall(css) if not url.startswith((b"data:", b"#"))]


def _without_compression(request_bytes: bytes) -> bytes:
    return request_bytes.replace(b"Accept-Encoding: gzip, deflate, br", b"Accept-Encoding: identity")
