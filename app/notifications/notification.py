"""Something that one person is to hear, before it is known through which channels."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Told:
    """`kind` is a pair of mail templates and an entry of app.notifications.kinds; `key` makes it be told once."""

    kind: str
    recipient_id: int
    data: dict[str, Any]
    key: str
    at: datetime
