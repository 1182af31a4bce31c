"""Personal data of this room: exports."""

from app.core.personal_data import ADMIN, DELETE_EVENT_VALUES, OwnDataSection, PersonalData

OWN_DATA = (
    OwnDataSection(
        "exports",
        "SELECT reference, kind, filters, state, created_at, ready_at, expires_at FROM exports"
        " WHERE requested_by_id = :me ORDER BY id",
        ADMIN,
    ),
)
ERASE = (
    DELETE_EVENT_VALUES + "e.subject IN (SELECT 'export-' || x.id FROM exports x WHERE x.requested_by_id = :id)",
    "UPDATE exports SET state = 'discarded', filters = '{}', error = NULL, stored_as = NULL, size = NULL, sha256 = NULL"
    " WHERE requested_by_id = :id",
)
EXPORTS_PERSONAL_DATA = PersonalData("exports", own_data=OWN_DATA, erase=ERASE)
