"""A mail server with programmable responses that records every delivery attempt."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Any

from aiosmtpd.controller import Controller

from app.dev.state import LOOPBACK, free_port

ACCEPTED = "250 taken"
HANGS_UP = "hangs up"  # after the email, without a response
HANGS = "keeps waiting"  # accepts the email without a response


@dataclass(frozen=True)
class Try:
    """A received email and the response to it."""

    to: str
    message_id: str
    subject: str
    answer: str

    @property
    def accepted(self) -> bool:
        return self.answer in (ACCEPTED, HANGS)


@dataclass
class MailSink:
    """`answers` to DATA are sent in order, the last one repeatedly, each after `pause` seconds.

    `unknown_recipients` are refused for good.
    """

    answers: list[str] = field(default_factory=lambda: [ACCEPTED])
    pause: float = 0
    unknown_recipients: set[str] = field(default_factory=set)
    tries: list[Try] = field(default_factory=list)
    open_connections: int = 0
    most_connections: int = 0
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
        if address in self.unknown_recipients:
            self.tries.append(Try(address, "", "", "550 nobody"))
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        code = message_from_bytes(envelope.content, policy=policy.default)
        self.open_connections += 1
        self.most_connections = max(self.most_connections, self.open_connections)
        try:
            await asyncio.sleep(self.pause)
            self.tries.append(Try(envelope.rcpt_tos[0], code["Message-ID"], code["Subject"], answer))
            if answer == HANGS:
                await asyncio.sleep(600)
        finally:
            self.open_connections -= 1
        if answer == HANGS_UP:
            server.transport.abort()
        return answer

    def accepted(self, addresses: list[str]) -> Counter[str]:
        """How often each of them got something."""
        return Counter(item.to for item in self.tries if item.accepted and item.to in addresses)

    def ids(self, address: str) -> list[str]:
        """Of every try at one address."""
        return [item.message_id for item in self.tries if item.to == address]
