"""Everything that happens when an event is recorded, in one list for web, worker and commands."""

import app.events  # noqa: F401  declares every event type
from app.accounts.sign_in_listeners import register_sign_in_listener
from app.bookings.api_repository import add_booking_column
from app.bookings.chosen_start import hold_chosen_start
from app.bookings.completion import register_completion_listener
from app.bookings.customer_repository import add_page_column
from app.bookings.decline import register_dispute_listener
from app.bookings.service_usage_repository import BookedServices
from app.cases.cases import open_disputed
from app.cases.repository import CASE_LINKS_SQL
from app.catalog.service_usage import register_service_usage
from app.core.admin_audience import notify_admins
from app.core.db import before_commit
from app.core.events import Listener, register_listener
from app.discovery.invalidation import invalidate_cache
from app.favourites.repository import CHOICES_SQL
from app.invoices.issuing import issue_documents
from app.invoices.repository import NUMBERS_SQL
from app.messages.repository import UNREAD_OF_CUSTOMER
from app.messages.thread import register_read_listener
from app.notifications.channel import register_channel
from app.notifications.inbox_repository import mark_message_lines_read
from app.notifications.messages import register_message_data
from app.notifications.notification import wake_worker_on_outbox_rows, write_notifications
from app.payments.tips_repository import PAID_TIP_SQL
from app.promotions.referrals import keep_invite
from app.receipts.issue import issue_receipt
from app.reports.monthly_statement import message_data as monthly_statement_data
from app.reviews.repository import COMMENT_SQL, REVIEW_ID_SQL, REVIEW_SQL
from app.vetting.repository import PHOTO_SQL
from app.webhooks.channel import WEBHOOK_CHANNEL

# Each is called with (event, record) while the session is flushed, and returns rows to write in the same transaction.
LISTENERS: tuple[Listener, ...] = (
    invalidate_cache,  # drop cached pages and lists after the commit
    notify_admins,  # refresh the admins' open pages after the commit
    write_notifications,  # write outbox rows and notifications
)


# What higher rooms add to lower ones.
add_page_column("messages", UNREAD_OF_CUSTOMER)
add_page_column("review", REVIEW_SQL)
add_page_column("choices", CHOICES_SQL)
add_page_column("cases", CASE_LINKS_SQL)
add_page_column("invoices", NUMBERS_SQL)
add_page_column("tip", PAID_TIP_SQL)
add_page_column("closed_at", "b.closed_at")
add_page_column("photo_id", PHOTO_SQL)
add_booking_column("comment", COMMENT_SQL)
add_booking_column("review_id", REVIEW_ID_SQL)
register_service_usage(BookedServices)
register_channel(WEBHOOK_CHANNEL)
register_sign_in_listener(hold_chosen_start)
register_sign_in_listener(keep_invite)
register_dispute_listener(open_disputed)
register_completion_listener(issue_receipt)
register_read_listener(mark_message_lines_read)
register_message_data("monthly_report", monthly_statement_data)


def install_listeners() -> None:
    """Register all listeners. Idempotent."""
    for listener in LISTENERS:
        register_listener(listener)
    before_commit(issue_documents)
    wake_worker_on_outbox_rows()
