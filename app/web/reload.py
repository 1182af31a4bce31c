"""In development: when a file in some folders last changed, checked at most twice a second."""

from collections.abc import Sequence
from pathlib import Path
from time import monotonic


class FolderWatcher:
    def __init__(self, folders: Sequence[str | Path]) -> None:
        self._folders = folders
        self._checked_at = float("-inf")
        self._newest = 0.0

    def newest(self) -> float:
        if monotonic() - self._checked_at > 0.5:
            files = (path for folder in self._folders for path in Path(folder).rglob("*"))
            self._checked_at, self._newest = monotonic(), max((path.stat().st_mtime for path in files), default=0.0)
        return self._newest
