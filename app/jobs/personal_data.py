"""Personal data of this room: calendar feeds."""

from app.core.personal_data import PersonalData

ERASE = ("DELETE FROM calendar_feeds WHERE professional_id = :id",)
JOBS_PERSONAL_DATA = PersonalData("jobs", erase=ERASE)
