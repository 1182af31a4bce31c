"""Somebody else's mail server, whose answers are programmable, and which remembers every try."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Any

from aiosmtpd.controller import Controller

from app.dev.state import LOOPBACK, free_port

TAKEN = "250 taken"
HANGS_UP = "hangs up"  # after the letter came, without an answer
KEEPS_WAITING = "keeps waiting"  # takes the letter and does not say so


@dataclass(frozen=True)
class Try:
    """A letter as it came, and what was answered."""

    to: str
    message_id: str
    subject: str
    answer: str

    @property
    def taken(self) -> bool:
        return self.answer in (TAKEN, KEEPS_WAITING)


@dataclass
class MailSink:
    """`answers` to DATA are given one after another, the last one again and again, each after `pause` seconds.

    `nobody` lists addresses that are refused for good.
    """

    answers: list[str] = field(default_factory=lambda: [TAKEN])
    pause: float = 0
    nobody: set[str] = field(default_factory=set)
    tries: list[Try] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    port: int = field(default_factory=free_port)
    _server: Controller | None = None

    @property
    def url(self) -> str:
        return f"smtp://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        self._server = Controller(self, hostname=LOOPBACK, port=self.port)
        self._server.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if address in self.nobody:
            self.tries.append(Try(address, "", "", "550 nobody"))
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        letter = message_from_bytes(envelope.content, policy=policy.default)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.pause)
            self.tries.append(Try(envelope.rcpt_tos[0], letter["Message-ID"], letter["Subject"], answer))
            if answer == KEEPS_WAITING:
                await asyncio.sleep(600)
        finally:
            self.at_once -= 1
        if answer == HANGS_UP:
            server.transport.abort()
        return answer

    def taken(self, addresses: list[str]) -> Counter[str]:
        """How often each of them got something."""
        return Counter(one.to for one in self.tries if one.taken and one.to in addresses)

    def ids(self, address: str) -> list[str]:
        """Of every try at one address."""
        return [one.message_id for one in self.tries if one.to == address]
