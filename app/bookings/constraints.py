"""The constraints and indexes of the bookings table."""

from sqlalchemy import CheckConstraint, Index, text

from app.bookings.moves import ACTIVE, ENDS, State
from app.payments.charge import METHODS

_QUOTED = ", ".join(f"'{state}'" for state in State)
_ACTIVE = ", ".join(f"'{state}'" for state in ACTIVE)
ACCEPTED_IN = "(floor(extract(epoch FROM assigned_at - coalesce(reopened_at, requested_at)) / 60))::integer"

CONSTRAINTS = (
    CheckConstraint(f"state IN ({_QUOTED})", name="bookings_state_check"),
    CheckConstraint(
        "(price > 0 OR price = 0 AND redo_of_id IS NOT NULL) AND fee BETWEEN 0 AND price", name="bookings_money_check"
    ),
    CheckConstraint("minutes BETWEEN 15 AND 720", name="bookings_minutes_check"),
    CheckConstraint("ends_at = starts_at + minutes * interval '1 minute'", name="bookings_ends_check"),
    CheckConstraint("state <> 'held' OR held_until IS NOT NULL", name="bookings_held_check"),
    CheckConstraint(
        "state NOT IN ('assigned', 'started') OR professional_id IS NOT NULL", name="bookings_assigned_check"
    ),
    CheckConstraint(
        "state <> 'requested' OR (professional_id IS NULL AND requested_at IS NOT NULL AND payment IS NOT NULL)",
        name="bookings_requested_check",
    ),
    CheckConstraint(
        "state NOT IN ('completed', 'closed') OR (professional_id IS NOT NULL AND completed_at IS NOT NULL)",
        name="bookings_completed_check",
    ),
    CheckConstraint(
        "(state = 'cancelled') = (cancelled_as IS NOT NULL) AND (state = 'cancelled') = (cancelled_at IS NOT NULL)",
        name="bookings_cancelled_check",
    ),
    CheckConstraint("cancelled_as IN ('" + "', '".join(ENDS) + "')", name="bookings_cancelled_as_check"),
    CheckConstraint("payment IN ('" + "', '".join(METHODS) + "')", name="bookings_payment_check"),
    CheckConstraint(
        "(flag IS NULL) = (flag_signs IS NULL) AND flag IN ('pending', 'counts', 'excluded')"
        " AND cardinality(flag_signs) > 0",
        name="bookings_flag_check",
    ),
    CheckConstraint(
        "eta_until >= eta_from + interval '15 minutes' OR eta_from IS NULL AND eta_until IS NULL",
        name="bookings_eta_check",
    ),
    CheckConstraint("late_count BETWEEN 0 AND 2", name="bookings_late_count_check"),
    CheckConstraint("length(note) <= 500 AND length(address) BETWEEN 1 AND 300", name="bookings_text_check"),
    CheckConstraint("length(floor) <= 40 AND length(landmark) <= 120", name="bookings_place_check"),
    CheckConstraint(
        "(contact_name = '') = (contact_phone = '') AND length(contact_name) <= 120"
        " AND contact_phone ~ '^([+][0-9]{8,15})?$' AND length(contact_email) <= 254"
        " AND (contact_email = '' OR contact_name <> '')",
        name="bookings_contact_check",
    ),
    Index("bookings_redo_of_id_key", "redo_of_id", unique=True, postgresql_where=text("redo_of_id IS NOT NULL")),
    Index("bookings_contact_idx", "ends_at", postgresql_where=text("contact_name <> ''::text")),
    Index("bookings_customer_idx", "customer_id", "starts_at", "id"),
    Index("bookings_professional_idx", "professional_id", "starts_at", "id"),
    Index("bookings_service_idx", "service_id", "starts_at", "id"),
    Index(
        "bookings_live_jobs_idx",
        "professional_id",
        "starts_at",
        postgresql_where=text("state IN ('assigned', 'started')"),
    ),
    Index("bookings_offers_idx", "service_id", "pincode", "starts_at", postgresql_where=text("state = 'requested'")),
    Index(
        "bookings_requested_professional_idx",
        "requested_professional_id",
        postgresql_where=text("state IN ('held', 'requested') AND requested_professional_id IS NOT NULL"),
    ),
    Index("bookings_priority_offers_idx", "exclusive_until", postgresql_where=text("state = 'requested'")),
    Index("bookings_held_idx", "held_until", postgresql_where=text("state = 'held'")),
    Index("bookings_open_idx", "starts_at", postgresql_where=text(f"state IN ({_ACTIVE})")),
    # All that reports count, so that they read this and nothing else (docs/decisions/0017-reports.md).
    Index(
        "bookings_report_idx",
        "starts_at",
        "id",
        postgresql_include=[
            *("state", "cancelled_as", "service_id", "pincode", "professional_id", "accepted_minutes", "rating"),
            *("commission", "revenue"),
        ],
    ),
    Index("bookings_state_idx", "state", "starts_at", "id"),
    Index("bookings_pincode_idx", "pincode", "starts_at", "id"),
    Index("bookings_price_idx", "price", "id"),
    Index("bookings_payment_idx", "payment", "starts_at", "id"),
    Index("bookings_rating_idx", "rating", "starts_at", "id", postgresql_where=text("rating IS NOT NULL")),
    Index("bookings_flag_idx", "flag", "starts_at", "id", postgresql_where=text("flag IS NOT NULL")),
    Index("bookings_completed_automatically_idx", "starts_at", "id", postgresql_where=text("completed_automatically")),
    Index(
        "bookings_cancelled_as_idx",
        "cancelled_as",
        "starts_at",
        "id",
        postgresql_where=text("cancelled_as IS NOT NULL"),
    ),
    Index("bookings_charged_idx", "starts_at", "id", postgresql_where=text("is_charged")),
    Index("bookings_completed_idx", "completed_at", postgresql_where=text("state = 'completed'")),
    Index("bookings_created_idx", "created_at", "id"),
    Index(
        "bookings_accepted_idx",
        "service_id",
        "pincode",
        "assigned_at",
        postgresql_where=text("accepted_minutes IS NOT NULL"),
    ),
    Index("bookings_demand_idx", "pincode", "created_at", "service_id"),
)
