"""Personal data of this room: appeals of blocks."""

from app.core.personal_data import ERASED_TEXT, OwnDataSection, PersonalData

OWN_DATA = (
    OwnDataSection(
        "appeals",
        "SELECT a.message, a.photo_count AS photos, a.created_at AS sent_at, a.decided_at, a.outcome, a.reason"
        " FROM appeals a"
        " JOIN blocks b ON b.id = a.block_id WHERE b.user_id = :me ORDER BY a.id",
    ),
)
BLOCKING_PERSONAL_DATA = PersonalData(
    "blocking",
    own_data=OWN_DATA,
    erase=(
        f"UPDATE appeals SET message = '{ERASED_TEXT}', reason = '{ERASED_TEXT}', photo_count = 0"
        " WHERE block_id IN (SELECT id FROM blocks WHERE user_id = :id AND lifted_at IS NOT NULL)",
    ),
)
