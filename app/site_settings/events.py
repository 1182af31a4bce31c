"""Events of the site's settings."""

from app.core.cache_tags import CONTACTS
from app.core.event_types import EventFamily, EventType
from app.core.i18n import N_

FAMILIES = (EventFamily("setting", N_("Settings")),)
EVENTS = (
    EventType(
        "setting.changed",
        N_("%(who)s changed the settings."),
        (CONTACTS,),
        names_single_change=True,
        labels={
            "support_email": N_("the support email"),
            "support_phone": N_("the support phone"),
            "support_whatsapp": N_("the WhatsApp number"),
            "grievance_name": N_("the name of the grievance officer"),
            "grievance_email": N_("the email of the grievance officer"),
            "grievance_hours": N_("the hours of the grievance officer"),
            "legal_name": N_("the legal name"),
            "gstin": N_("the GSTIN"),
        },
    ),
)
