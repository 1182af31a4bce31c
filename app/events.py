"""Every event type of the product, room by room: the one list that web, worker, commands and tests share.

Importing this module declares them; recording an event of another name raises UndeclaredEvent.
"""

from app.accounts import events as accounts
from app.billing import events as billing
from app.blocking import events as blocking
from app.bookings import events as bookings
from app.cases import events as cases
from app.catalog import events as catalog
from app.core.event_types import registry
from app.exports import events as exports
from app.jobs import events as jobs
from app.messages import events as messages
from app.notifications import events as notifications
from app.operations import events as operations
from app.payments import events as payments
from app.people import events as people
from app.privacy import events as privacy
from app.promotions import events as promotions
from app.reviews import events as reviews
from app.site_settings import events as site_settings
from app.vetting import events as vetting
from app.webhooks import events as webhooks

# In the order in which the admin's list of events offers the families.
FAMILIES = (
    *bookings.FAMILIES,
    *accounts.FAMILIES,
    *vetting.FAMILIES,
    *catalog.FAMILIES,
    *billing.FAMILIES,
    *exports.FAMILIES,
    *webhooks.FAMILIES,
    *promotions.FAMILIES,
    *site_settings.FAMILIES,
)
EVENTS = (
    *bookings.EVENTS,
    *payments.EVENTS,
    *promotions.EVENTS,
    *billing.EVENTS,
    *reviews.EVENTS,
    *cases.EVENTS,
    *accounts.EVENTS,
    *jobs.EVENTS,
    *messages.EVENTS,
    *blocking.EVENTS,
    *people.EVENTS,
    *vetting.EVENTS,
    *notifications.EVENTS,
    *operations.EVENTS,
    *privacy.EVENTS,
    *catalog.EVENTS,
    *exports.EVENTS,
    *webhooks.EVENTS,
    *site_settings.EVENTS,
)

registry.register(EVENTS, FAMILIES)
