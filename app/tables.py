"""Every table of every feature, for migrations and for whoever builds the schema whole."""

from app.accounts import area, session, user
from app.availability import working
from app.bookings import booking, calendar_feed, code, decline, extra
from app.catalog import service
from app.discovery import unmet
from app.insights import export, monthly
from app.kit import events, idempotency, outbox, schedule
from app.kit.rows import metadata
from app.notifications import channel_state, inbox, preference, webhook
from app.payments import charge, ledger
from app.reviews import review
from app.vetting import document, professional, verification

MODULES = (
    area,
    booking,
    calendar_feed,
    channel_state,
    charge,
    code,
    decline,
    document,
    events,
    export,
    extra,
    idempotency,
    inbox,
    ledger,
    monthly,
    outbox,
    preference,
    professional,
    review,
    schedule,
    service,
    session,
    unmet,
    user,
    verification,
    webhook,
    working,
)
__all__ = ["metadata"]
