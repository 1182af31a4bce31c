"""Deliver to webhooks, signed anew for each attempt; each attempt is logged.

Signatures follow standardwebhooks.com: HMAC-SHA256 over id, time and body.
"""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.events import PLATFORM
from app.core.http_client import HttpClient
from app.core.outbox import Outbox
from app.notifications.channel import DeliveryContext
from app.notifications.http_transport import DeliveryAttempt, HttpOutboxWorker, HttpTransport, OutboundRequest
from app.notifications.messages import RenderedMessage
from app.webhooks.repository import WebhookRepository
from app.webhooks.webhook import Webhook

SECRET_PREFIX = "whsec_"  # pragma: allowlist secret


async def deliver(context: DeliveryContext) -> int:
    """Deliver to all webhooks side by side, so that a slow one delays no other."""
    database = context.database
    async with database.reading() as db:
        webhooks = await WebhookRepository(db).active()
    transports = [StandardWebhook(database, context.encryption, webhook) for webhook in webhooks]
    workers = [HttpOutboxWorker(database, WebhookRenderer(), transport, context.settings) for transport in transports]
    return sum(await asyncio.gather(*(worker.drain() for worker in workers)))


class WebhookRenderer:
    """Renders a row as JSON: the same bytes for each attempt."""

    async def render(self, _db: AsyncSession, row: Outbox) -> RenderedMessage:
        return RenderedMessage(row.channel, row.kind, "", json.dumps(row.data, sort_keys=True, separators=(",", ":")))


class StandardWebhook(HttpTransport):
    """One webhook with its URL and secrets at the start of the delivery."""

    kind = "webhook_off"

    def __init__(
        self, database: Database, encryption: Encryption, webhook: Webhook, http_client: HttpClient | None = None
    ) -> None:
        super().__init__(database, webhook.channel, webhook.url, http_client)
        self._webhook_id = webhook.id
        self._secrets = _secrets(webhook, encryption, clock.now())

    def build_request(self, message: RenderedMessage, row: Outbox) -> OutboundRequest:
        body, message_id, at = message.text.encode(), delivery_id(row), int(clock.now().timestamp())
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(at),
            "webhook-signature": signature(self._secrets, message_id, at, body),
            "User-Agent": "Doorstep",
        }
        return OutboundRequest(body, "application/json", headers)

    async def log_attempt(self, db: AsyncSession, row: Outbox, attempt: DeliveryAttempt) -> None:
        WebhookRepository(db).log_attempt(row, attempt.status, attempt.result, attempt.duration_ms)

    async def switched_off(self, db: AsyncSession) -> None:
        (await WebhookRepository(db).get(self._webhook_id, lock=True)).switched_off(PLATFORM)


def delivery_id(row: Outbox) -> str:
    """The same for each attempt, so that a receiver recognises a repetition."""
    return "msg_" + hashlib.sha256(row.dedupe_key.encode()).hexdigest()[:32]


def signature(secrets: Sequence[str], message_id: str, at: int, body: bytes) -> str:
    """`at` in seconds since 1970; one signature for each secret, separated by spaces."""
    content = f"{message_id}.{at}.".encode() + body
    return " ".join(f"v1,{_signature(secret, content)}" for secret in secrets)


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def _secrets(webhook: Webhook, encryption: Encryption, now: datetime) -> list[str]:
    """The current secret, then the one before it while both are valid."""
    encrypted_secrets = [webhook.encrypted_secret]
    if (
        webhook.previous_encrypted_secret is not None
        and webhook.previous_secret_until is not None
        and now < webhook.previous_secret_until
    ):
        encrypted_secrets.append(webhook.previous_encrypted_secret)
    secrets = [encryption.decrypt(value, webhook.context) for value in encrypted_secrets]
    return [secret for secret in secrets if secret is not None]
