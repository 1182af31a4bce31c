"""Personal data of this room: offered services, area, working hours and time off."""

from app.core.personal_data import PROFESSIONAL, OwnDataSection, PersonalData

OWN_DATA = (
    OwnDataSection(
        "services_offered",
        "SELECT s.name AS service, o.approval_status AS standing FROM offered_services o"
        " JOIN services s ON s.id = o.service_id WHERE o.professional_id = :me ORDER BY s.name",
        PROFESSIONAL,
    ),
    OwnDataSection(
        "areas",
        "SELECT c.pincode, p.place FROM coverage c JOIN pincodes p ON p.pincode = c.pincode"
        " WHERE c.professional_id = :me ORDER BY c.pincode",
        PROFESSIONAL,
    ),
    OwnDataSection(
        "working_hours",
        "SELECT (ARRAY['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'])[weekday + 1]"
        " AS day, to_char(make_interval(mins => opens), 'HH24:MI') AS opens,"
        " to_char(make_interval(mins => closes), 'HH24:MI') AS closes"
        " FROM working_hours WHERE professional_id = :me ORDER BY weekday, working_hours.opens",
        PROFESSIONAL,
    ),
    OwnDataSection(
        "time_off",
        "SELECT lower(span) AS since, upper(span) AS until, reason, created_at FROM time_off"
        " WHERE professional_id = :me ORDER BY lower(span)",
        PROFESSIONAL,
    ),
)
ERASE = (
    "DELETE FROM offered_services WHERE professional_id = :id",
    "DELETE FROM coverage WHERE professional_id = :id",
    "DELETE FROM working_hours WHERE professional_id = :id",
    "DELETE FROM time_off WHERE professional_id = :id",
)
SCHEDULING_PERSONAL_DATA = PersonalData("scheduling", own_data=OWN_DATA, erase=ERASE)
