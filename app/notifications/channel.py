"""Channels through which notifications and events go out, and the state of those that post to another server.

A channel is a folder of channels/ with the same two files in each: `channel` makes rows of a notification or an event,
`transport` delivers them. Copying a folder adds a channel. Rooms above this one register theirs (app.listeners).
"""

import functools
import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from jinja2 import Template
from sqlalchemy import CheckConstraint, Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Database
from app.core.encryption import Encryption
from app.core.events import AuditedMixin, Event
from app.core.orm import Base, NaturalKeyBase
from app.notifications import channels as channel_folders
from app.settings import Settings

if TYPE_CHECKING:
    from app.notifications.notification import Notification


class MessageTemplates(Protocol):
    """Templates in the reader's language: app.web.templating.Templates."""

    def get_template(self, name: str, *, plain_text: bool = False) -> Template: ...


class DeliveryContext(Protocol):
    """What a transport needs; app.services.Services has it."""

    @property
    def settings(self) -> Settings: ...
    @property
    def database(self) -> Database: ...
    @property
    def encryption(self) -> Encryption: ...
    @property
    def templates(self) -> MessageTemplates: ...


def no_notification_rows(_notification: "Notification") -> Iterable[Base]:
    return ()


def no_event_rows(_event: Event, _record: AuditedMixin) -> Iterable[Base]:
    return ()


@dataclass(frozen=True, slots=True)
class Channel:
    """`notification_rows` are written for each notified person, `event_rows` once for an event that many may read.

    `deliver` sends whatever is due and returns how many messages were sent. `preference_label` is the channel's name on
    the preferences page, "" if it cannot be muted; channels are listed by `position`.
    """

    name: str
    position: int
    deliver: Callable[[DeliveryContext], Awaitable[int]]
    task: str = ""  # the background task that calls `deliver`; "" when nothing is to be delivered
    preference_label: str = ""
    notification_rows: Callable[["Notification"], Iterable[Base]] = no_notification_rows
    event_rows: Callable[[Event, AuditedMixin], Iterable[Base]] = no_event_rows


_registered: dict[str, Channel] = {}


def register_channel(channel: Channel) -> None:
    """Add a channel of a higher room; registering it again changes nothing."""
    _registered[channel.name] = channel


def all_channels() -> list[Channel]:
    """The channels of channels/ and the registered ones."""
    return sorted((*discovered_channels(), *_registered.values()), key=lambda channel: channel.position)


@functools.cache
def discovered_channels() -> tuple[Channel, ...]:
    """The `CHANNEL` of every folder in channels/."""
    folders = (folder.name for folder in pkgutil.iter_modules(channel_folders.__path__) if folder.ispkg)
    modules = (importlib.import_module(f"{channel_folders.__name__}.{name}.channel") for name in folders)
    return tuple(module.CHANNEL for module in modules)


class ChannelState(NaturalKeyBase):
    """Circuit breaker of a channel, shared by all workers: paused until `wait_until`, or off since `disabled_at`."""

    __tablename__ = "channel_states"
    __table_args__ = (CheckConstraint("failures >= 0", name="channel_states_failures_check"),)
    channel: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    counted_since: Mapped[datetime | None]
    wait_until: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(default="", server_default="")
