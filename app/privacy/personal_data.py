"""The personal data of every room, in one list."""

from app.accounts.personal_data import ACCOUNTS_PERSONAL_DATA
from app.billing.personal_data import BILLING_PERSONAL_DATA
from app.blocking.personal_data import BLOCKING_PERSONAL_DATA
from app.bookings.personal_data import BOOKINGS_PERSONAL_DATA
from app.cases.personal_data import CASES_PERSONAL_DATA
from app.core.personal_data import OwnDataSection, PersonalData
from app.exports.personal_data import EXPORTS_PERSONAL_DATA
from app.favourites.personal_data import FAVOURITES_PERSONAL_DATA
from app.invoices.personal_data import INVOICES_PERSONAL_DATA
from app.messages.personal_data import MESSAGES_PERSONAL_DATA
from app.notifications.personal_data import NOTIFICATIONS_PERSONAL_DATA
from app.payments.personal_data import PAYMENTS_PERSONAL_DATA
from app.photos.personal_data import PHOTOS_PERSONAL_DATA
from app.privacy.own_data_repository import HISTORY_SECTION
from app.promotions.personal_data import PROMOTIONS_PERSONAL_DATA
from app.receipts.personal_data import RECEIPTS_PERSONAL_DATA
from app.reports.personal_data import REPORTS_PERSONAL_DATA
from app.reviews.personal_data import REVIEWS_PERSONAL_DATA
from app.scheduling.personal_data import SCHEDULING_PERSONAL_DATA
from app.vetting.personal_data import VETTING_PERSONAL_DATA

# In the order in which data are erased.
PERSONAL_DATA: tuple[PersonalData, ...] = (
    BOOKINGS_PERSONAL_DATA,
    PAYMENTS_PERSONAL_DATA,
    PROMOTIONS_PERSONAL_DATA,
    BILLING_PERSONAL_DATA,
    RECEIPTS_PERSONAL_DATA,
    INVOICES_PERSONAL_DATA,
    SCHEDULING_PERSONAL_DATA,
    VETTING_PERSONAL_DATA,
    PHOTOS_PERSONAL_DATA,
    MESSAGES_PERSONAL_DATA,
    FAVOURITES_PERSONAL_DATA,
    REVIEWS_PERSONAL_DATA,
    CASES_PERSONAL_DATA,
    BLOCKING_PERSONAL_DATA,
    ACCOUNTS_PERSONAL_DATA,
    NOTIFICATIONS_PERSONAL_DATA,
    REPORTS_PERSONAL_DATA,
    EXPORTS_PERSONAL_DATA,
)
# In the order of the archive; a section that is not named here comes before the history.
SECTION_ORDER = (
    "account",
    "work",
    "addresses",
    "bookings",
    "extra_work",
    "payments",
    "refunds",
    "credit",
    "coupons_used",
    "referrals",
    "receipts_of_handovers",
    "invoices",
    "tips",
    "saved_payment_methods",
    "objections",
    "messages",
    "cases",
    "messages_in_cases",
    "photos_sent",
    "reviews_written",
    "favourites",
    "excluded",
    "services_offered",
    "areas",
    "working_hours",
    "time_off",
    "papers",
    "verifications",
    "jobs",
    "jobs_not_taken",
    "earnings",
    "bank_accounts",
    "payouts",
    "reviews_about_you",
    "reviews_reported",
    "blocks",
    "appeals",
    "browsers",
    "mails",
    "notices",
    "what_you_do_not_want_to_hear",
    "quiet_hours",
    "monthly_reports",
    "exports",
)


def own_data_sections() -> list[OwnDataSection]:
    """The sections of the archive of own data, in order; the history is last."""
    sections = [section for room in PERSONAL_DATA for section in room.own_data]
    return [*sorted(sections, key=_position), HISTORY_SECTION]


def _position(section: OwnDataSection) -> int:
    return SECTION_ORDER.index(section.name) if section.name in SECTION_ORDER else len(SECTION_ORDER)
