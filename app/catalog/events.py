"""Events of services and categories."""

from app.core.admin_audience import CATALOGUE_TOPIC
from app.core.cache_tags import CATALOGUE
from app.core.event_types import EventFamily, EventType
from app.core.i18n import N_

FAMILIES = (
    EventFamily("service", N_("Services"), admin_page="/admin/services", admin_topic=CATALOGUE_TOPIC),
    EventFamily("category", N_("Categories"), admin_page="/admin/services/categories", admin_topic=CATALOGUE_TOPIC),
)
EVENTS = (
    EventType(
        "service.created",
        N_("%(who)s added the service to the catalogue."),
        CATALOGUE,
        hidden=("category_id",),
        enums=("mode",),
    ),
    EventType(
        "service.changed",
        N_("%(who)s changed the service."),
        CATALOGUE,
        hidden=("category_id",),
        enums=("mode",),
        names_single_change=True,
    ),
    EventType("service.retired", N_("%(who)s retired the service."), CATALOGUE, enums=("state",)),
    EventType("service.offered_again", N_("%(who)s restored the service."), CATALOGUE, enums=("state",)),
    EventType(
        "service.deleted", N_("%(who)s deleted the service."), CATALOGUE, hidden=("category_id",), enums=("mode",)
    ),
    EventType("category.created", N_("%(who)s created the category."), CATALOGUE),
    EventType("category.changed", N_("%(who)s changed the category."), CATALOGUE, names_single_change=True),
    EventType(
        "category.moved",
        N_("%(who)s reordered the categories, which moved this one."),
        CATALOGUE,
        names_single_change=True,
    ),
    EventType("category.retired", N_("%(who)s retired the category."), CATALOGUE, enums=("state",)),
    EventType("category.offered_again", N_("%(who)s restored the category."), CATALOGUE, enums=("state",)),
    EventType("category.deleted", N_("%(who)s deleted the category."), CATALOGUE),
)
