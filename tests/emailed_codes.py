"""The codes by email that wait to be sent, as their recipient would read them."""

import re

from litestar import Litestar

from app.notifications.messages import MessageRenderer, OutOfDate
from app.notifications.repository import OutboxRepository


async def emailed_codes(app: Litestar, email: str) -> list[str]:
    """The sign-in codes that are on their way to the address, oldest first."""
    services, codes = app.state.services, []
    renderer = MessageRenderer(
        services.templates, services.encryption, services.settings.base_url, services.settings.mail_from
    )
    async with services.database.work() as db:
        for row in reversed(await OutboxRepository(db).latest(500)):
            if row.kind != "sign_in_code":
                continue
            try:
                message = await renderer.render(db, row)
            except OutOfDate:
                continue
            found = re.search(r"code: (\d{3}) (\d{3})", message.text)
            if message.recipient == email and found:
                codes.append(found.expand(r"\1\2"))
    return codes
