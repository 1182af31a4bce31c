"""Personal data of this room: the photos that a person sent."""

from app.core.personal_data import CUSTOMER, PROFESSIONAL, OwnDataSection, PersonalData

OWN_DATA = (
    OwnDataSection(
        "photos_sent",
        "SELECT 'photos/' || id || '.jpg' AS file, CASE WHEN message_id IS NOT NULL THEN 'message'"
        " WHEN appeal_id IS NOT NULL THEN 'appeal' ELSE 'case' END AS sent_with, width, height"
        " FROM photos WHERE uploader_id = :me ORDER BY id",
        CUSTOMER + PROFESSIONAL,
    ),
)
PHOTOS_PERSONAL_DATA = PersonalData("photos", own_data=OWN_DATA, erase=("DELETE FROM photos WHERE uploader_id = :id",))
