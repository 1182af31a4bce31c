"""Personal data of this room: documents and verification cases."""

from app.core.personal_data import DELETE_EVENT_VALUES, ERASED_TEXT, PROFESSIONAL, OwnDataSection, PersonalData

OWN_DATA = (
    OwnDataSection(
        "papers",
        "SELECT id AS number, kind, name AS file_name, state, media_type, size AS bytes, expires_on, uploaded_at,"
        " decided_at, denial_reason FROM documents WHERE professional_id = :me ORDER BY id",
        PROFESSIONAL,
    ),
    OwnDataSection(
        "verifications",
        "SELECT kind, state, message AS your_message, reason, submitted_at, decided_at FROM verifications"
        " WHERE professional_id = :me ORDER BY id",
        PROFESSIONAL,
    ),
)
ERASE = (
    DELETE_EVENT_VALUES + "e.subject IN (SELECT 'document-' || d.id FROM documents d WHERE d.professional_id = :id)",
    "UPDATE verifications SET state = 'withdrawn', decided_at = :now WHERE professional_id = :id AND state = 'open'",
    f"UPDATE verifications SET message = '', reason = CASE WHEN reason IS NULL THEN NULL ELSE '{ERASED_TEXT}' END"
    " WHERE professional_id = :id",
    "UPDATE documents SET state = 'replaced', decided_at = :now WHERE professional_id = :id AND state = 'submitted'",
    f"UPDATE documents SET name = '{ERASED_TEXT}', stored_as = NULL, sha256 = decode(repeat('00', 32), 'hex'),"
    " size = 1, pages = 1, expires_on = NULL,"
    f" denial_reason = CASE WHEN denial_reason IS NULL THEN NULL ELSE '{ERASED_TEXT}' END"
    " WHERE professional_id = :id",
)
VETTING_PERSONAL_DATA = PersonalData("vetting", own_data=OWN_DATA, erase=ERASE)
