"""Imports every model, so that `metadata` has every table."""

from app.accounts import address, professional, session, tax_identity, user
from app.billing import bank_account, ledger_day, payout
from app.blocking import appeal
from app.bookings import booking, calendar, code, decline, extra, offer_wave, service_booking_count
from app.cases import case
from app.catalog import service
from app.core import events, idempotency, outbox, schedule
from app.core.orm import metadata
from app.discovery import unmet_searches
from app.exports import export
from app.favourites import favourite
from app.invoices import invoice
from app.messages import message
from app.notifications import channel, inbox, preference
from app.payments import charge, credit, ledger, refund, saved_method, tax, tip
from app.photos import photo
from app.promotions import coupon, referral
from app.receipts import receipt
from app.reports import monthly_statement
from app.reviews import report, review
from app.scheduling import exclusion, reservation, working_hours
from app.site_settings import setting
from app.vetting import document, verification
from app.webhooks import webhook

MODULES = (
    address,
    appeal,
    bank_account,
    booking,
    calendar,
    case,
    channel,
    charge,
    code,
    coupon,
    credit,
    decline,
    document,
    events,
    exclusion,
    export,
    extra,
    favourite,
    idempotency,
    inbox,
    invoice,
    ledger,
    ledger_day,
    message,
    monthly_statement,
    offer_wave,
    outbox,
    payout,
    photo,
    preference,
    professional,
    referral,
    receipt,
    refund,
    reservation,
    report,
    review,
    saved_method,
    schedule,
    service_booking_count,
    service,
    session,
    setting,
    tax,
    tax_identity,
    tip,
    unmet_searches,
    user,
    verification,
    webhook,
    working_hours,
)
__all__ = ["metadata"]
