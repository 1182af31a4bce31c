"""Personal data of this room: bookings, extra work, disputes and declined jobs."""

from app.core.personal_data import (
    CUSTOMER,
    DELETE_EVENT_VALUES,
    ERASED_TEXT,
    PROFESSIONAL,
    OwnDataSection,
    PersonalData,
)

OWN_DATA = (
    OwnDataSection(
        "bookings",
        "SELECT b.reference, b.service_name AS service, b.state, b.cancelled_as, b.cancel_reason, b.starts_at,"
        " b.ends_at, b.address, b.floor, b.landmark, b.pincode, b.note, b.contact_name, b.contact_phone,"
        " b.contact_email, b.payment AS paid_by, b.price AS price_paise, b.fee AS fee_paise,"
        " u.full_name AS who_came, b.created_at, b.requested_at, b.assigned_at AS accepted_at, b.departed_at,"
        " b.arrived_at, b.eta_from AS expected_from, b.eta_until AS expected_until,"
        " b.started_at, b.completed_at, b.completed_automatically AS completed_by_the_clock, b.closed_at,"
        " b.cancelled_at FROM bookings b LEFT JOIN users u ON u.id = b.professional_id"
        " WHERE b.customer_id = :me ORDER BY b.id",
        CUSTOMER,
    ),
    OwnDataSection(
        "extra_work",
        "SELECT b.reference AS booking, x.text AS what, x.price AS price_paise, x.state, x.proposed_at, x.answered_at"
        " FROM extras x JOIN bookings b ON b.id = x.booking_id"
        " WHERE b.customer_id = :me OR b.professional_id = :me ORDER BY x.id",
        CUSTOMER + PROFESSIONAL,
    ),
    OwnDataSection(
        "objections",
        "SELECT b.reference AS booking, d.text AS words, d.at FROM disputes d JOIN bookings b ON b.id = d.booking_id"
        " WHERE d.customer_id = :me ORDER BY d.at",
        CUSTOMER,
    ),
    OwnDataSection(
        "jobs",
        "SELECT b.reference, b.service_name AS service, b.state, b.cancelled_as, b.starts_at, b.ends_at,"
        " p.place AS area, b.pincode, b.price AS price_paise, b.assigned_at AS accepted_at, b.departed_at,"
        " b.arrived_at, b.eta_from AS expected_from, b.eta_until AS expected_until,"
        " b.started_at, b.completed_at, b.completed_automatically AS completed_by_the_clock,"
        " b.cancelled_at FROM bookings b JOIN pincodes p ON p.pincode = b.pincode"
        " WHERE b.professional_id = :me ORDER BY b.id",
        PROFESSIONAL,
    ),
    OwnDataSection(
        "offers_received",
        "SELECT b.reference AS job, r.notified_at FROM offer_recipients r JOIN bookings b ON b.id = r.booking_id"
        " WHERE r.professional_id = :me ORDER BY r.notified_at, b.id",
        PROFESSIONAL,
    ),
    OwnDataSection(
        "jobs_not_taken",
        "SELECT b.reference AS job, d.kind, CASE WHEN d.kind = 'absent' THEN '' ELSE d.reason END AS your_reason, d.at"
        " FROM declines d JOIN bookings b ON b.id = d.booking_id WHERE d.professional_id = :me ORDER BY d.at",
        PROFESSIONAL,
    ),
)
ERASE = (
    "DELETE FROM calendar_feeds WHERE user_id = :id",
    DELETE_EVENT_VALUES + "e.subject IN (SELECT 'booking-' || reference FROM bookings WHERE customer_id = :id)",
    f"UPDATE bookings SET address = '{ERASED_TEXT}', note = '', cancel_reason = NULL, floor = '', landmark = '',"
    " contact_name = '', contact_phone = '', contact_email = '' WHERE customer_id = :id",
    f"UPDATE disputes SET text = '{ERASED_TEXT}' WHERE customer_id = :id",
    "UPDATE declines d SET reason = '' FROM bookings b WHERE b.id = d.booking_id AND b.customer_id = :id",
    f"UPDATE extras x SET text = '{ERASED_TEXT}' FROM bookings b"
    " WHERE b.id = x.booking_id AND b.customer_id = :id AND x.state <> 'approved'",
    # Why an admin took a job from them.
    DELETE_EVENT_VALUES + "e.subject IN (SELECT 'booking-' || b.reference"
    " FROM declines d JOIN bookings b ON b.id = d.booking_id WHERE d.professional_id = :id)"
    " AND e.facts ->> 'professional_id' = CAST(:id AS text)",
    # What admins wrote to them.
    DELETE_EVENT_VALUES + "e.name = 'booking.admin_message' AND e.subject IN (SELECT 'booking-' || reference"
    " FROM bookings WHERE professional_id = :id) AND e.facts ->> 'professional_id' = CAST(:id AS text)",
    "UPDATE declines SET reason = '' WHERE professional_id = :id",
    "DELETE FROM offer_recipients WHERE professional_id = :id",
    f"UPDATE extras x SET text = '{ERASED_TEXT}' FROM bookings b"
    " WHERE b.id = x.booking_id AND b.professional_id = :id AND x.state <> 'approved'",
    DELETE_EVENT_VALUES + "e.subject LIKE 'booking-%' AND e.actor_id = :id",
)
BOOKINGS_PERSONAL_DATA = PersonalData("bookings", own_data=OWN_DATA, erase=ERASE)
