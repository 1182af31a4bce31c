"""Personal data of this room: accounts, addresses, sessions, known devices and blocks."""

from app.core.personal_data import (
    CUSTOMER,
    DELETE_EVENT_VALUES,
    DELETE_IDEMPOTENCY_KEYS,
    ERASED_TEXT,
    PROFESSIONAL,
    OwnDataSection,
    PersonalData,
)

OWN_DATA = (
    OwnDataSection(
        "account",
        "SELECT id AS number, role, full_name AS name, email, email_verified_at AS email_confirmed_at, phone,"
        " share_phone, created_at AS member_since FROM users WHERE id = :me",
    ),
    OwnDataSection(
        "work",
        "SELECT approval_status AS standing, trade, experience_years AS years_of_experience, languages,"
        " home_pincode,"
        " denial_reason, approved_at, documents_expire_on AS papers_expire_on, created_at AS applied_at"
        " FROM professionals WHERE user_id = :me",
        PROFESSIONAL,
    ),
    OwnDataSection(
        "addresses",
        "SELECT label, line AS address, floor, landmark, pincode, contact_name, contact_phone, is_main,"
        " created_at AS added_at FROM addresses WHERE user_id = :me ORDER BY id",
        CUSTOMER,
    ),
    OwnDataSection(
        "on_invoices",
        "SELECT gstin, business_name FROM tax_identities WHERE user_id = :me",
        CUSTOMER + PROFESSIONAL,
    ),
    OwnDataSection(
        "blocks",
        "SELECT reason, created_at AS since, lifted_at AS until, lifted_reason AS why_it_ended FROM blocks"
        " WHERE user_id = :me ORDER BY id",
    ),
    OwnDataSection(
        "browsers",
        "SELECT kind, user_agent AS browser, created_at AS signed_in_at, last_seen_at FROM sessions WHERE user_id = :me"
        " ORDER BY id",
    ),
    OwnDataSection(
        "known_devices",
        "SELECT created_at AS first_signed_in_at, last_used_at AS last_signed_in_at, expires_at AS known_until"
        " FROM device_tokens WHERE user_id = :me ORDER BY id",
    ),
    OwnDataSection(
        "sign_in_codes",
        "SELECT email, created_at AS sent_at, used_at FROM sign_in_codes WHERE user_id = :me ORDER BY id",
    ),
)
ERASE = (
    DELETE_EVENT_VALUES + "e.subject = 'user-' || :id",
    "DELETE FROM addresses WHERE user_id = :id",
    "DELETE FROM tax_identities WHERE user_id = :id",
    "DELETE FROM email_links WHERE user_id = :id",
    "DELETE FROM sessions WHERE user_id = :id",
    "DELETE FROM device_tokens WHERE user_id = :id",
    "DELETE FROM sign_in_codes WHERE user_id = :id",
    DELETE_IDEMPOTENCY_KEYS,
    f"UPDATE blocks SET reason = '{ERASED_TEXT}', lifted_reason = '{ERASED_TEXT}'"
    " WHERE user_id = :id AND lifted_at IS NOT NULL",
    "UPDATE professionals SET trade = '', experience_years = 0, languages = '{}', denial_reason = NULL,"
    " documents_expire_on = NULL WHERE user_id = :id",
)
ACCOUNTS_PERSONAL_DATA = PersonalData("accounts", own_data=OWN_DATA, erase=ERASE)
