"""Static files from memory: URLs with a content hash, compressed at startup, without cookies."""

import functools
import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

import brotli  # type: ignore[import-untyped]
from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from app.web.guards import everyone
from app.web.http import HtmlResponse, Request
from app.web.reload import FolderWatcher
from app.web.services import services_of

STATIC = Path(__file__).resolve().parents[2] / "static"
# Each is one file, concatenated from the files that its list names, in that order. Only admins load theirs.
BUNDLES = {
    "app.css": "css/bundle.txt",
    "app.js": "js/bundle.txt",
    "admin.css": "css/admin.txt",
    "admin.js": "js/admin.txt",
}
FOREVER = "public, max-age=31536000, immutable"
TYPES = {".webmanifest": "application/manifest+json", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    body: bytes
    media_type: str
    digest: str
    brotli: bytes | None
    gzip: bytes | None

    @property
    def etag(self) -> str:
        return f'"{self.digest}"'


class Assets:
    """All static files by name, read at startup; in development reloaded when one changes."""

    def __init__(self, folder: Path = STATIC, *, reload: bool = False) -> None:
        self._folder = folder
        self._watcher = FolderWatcher([folder]) if reload else None
        self._loaded_at = self._newest()
        self._load()

    @property
    def version(self) -> str:
        """A digest of all files."""
        self._reload_changed()
        return self._version

    def url(self, name: str) -> str:
        """`asset("app.css")`: the URL with the content hash. Raises KeyError for an unknown name."""
        self._reload_changed()
        return f"/static/{self._files[name].digest}/{name}"

    def find(self, digest: str, name: str) -> Asset | None:
        """Serve the current contents for an old hash too: pages may be older than the last deployment."""
        return self._files.get(name) if digest else None

    def _reload_changed(self) -> None:
        if (newest := self._newest()) != self._loaded_at:
            self._loaded_at = newest
            self._load()

    def _load(self) -> None:
        plain = {str(path.relative_to(self._folder)): path.read_bytes() for path in self._paths()}
        for name, listed in BUNDLES.items():
            plain[name] = self._bundle(self._folder / listed)
        self._files = {name: _asset(name, body) for name, body in plain.items()}
        digests = "".join(sorted(f"{asset.digest} {name}" for name, asset in self._files.items()))
        self._version = hashlib.sha256(digests.encode()).hexdigest()[:12]

    def _bundle(self, listed: Path) -> bytes:
        names = [line.strip() for line in listed.read_text(encoding="utf-8").splitlines()] if listed.exists() else []
        return b"\n".join((listed.parent / name).read_bytes() for name in names if name and name[0] != "#")

    def _paths(self) -> list[Path]:
        lists = {self._folder / listed for listed in BUNDLES.values()}
        return sorted(path for path in self._folder.rglob("*") if path.is_file() and path not in lists)

    def _newest(self) -> float:
        return self._watcher.newest() if self._watcher else 0.0


@functools.lru_cache(maxsize=200)  # in development all are read again when one changes
def _asset(name: str, body: bytes) -> Asset:
    suffix = Path(name).suffix
    media_type = TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    text = media_type.startswith("text/") or suffix in TYPES
    return Asset(
        body=body,
        media_type=media_type,
        digest=hashlib.sha256(body).hexdigest()[:12],
        brotli=brotli.compress(body, quality=9) if text else None,
        gzip=gzip.compress(body, 9, mtime=0) if text else None,
    )


@get("/static/{digest:str}/{name:path}", opt=everyone(anonymous=True), include_in_schema=False, name="static")
async def static_file(request: Request, digest: FromPath[str], name: FromPath[str]) -> HtmlResponse:
    assets = services_of(request).assets
    asset = assets.find(digest, str(name).lstrip("/"))
    if asset is None:
        raise NotFoundException()
    current = digest == asset.digest
    headers = {"etag": asset.etag, "cache-control": FOREVER if current else "no-cache", "vary": "accept-encoding"}
    if asset.etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers, media_type=asset.media_type)
    body, encoding = _best(asset, request.headers.get("accept-encoding", ""))
    if encoding:
        headers["content-encoding"] = encoding
    return Response(body, headers=headers, media_type=asset.media_type)


def _best(asset: Asset, accepted: str) -> tuple[bytes, str | None]:
    if asset.brotli is not None and "br" in accepted:
        return asset.brotli, "br"
    if asset.gzip is not None and "gzip" in accepted:
        return asset.gzip, "gzip"
    return asset.body, None
