"""Personal data of this room: offered services, area, working hours, time off and exclusions."""

from app.core.personal_data import CUSTOMER, PROFESSIONAL, OwnDataSection, PersonalData

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
    # Their own exclusions alone: nothing tells who excluded them (W41).
    OwnDataSection(
        "excluded",
        "SELECT u.full_name AS who, x.at FROM exclusions x JOIN users u ON u.id = x.professional_id"
        " WHERE x.customer_id = :me AND x.excluded_by = 'customer'"
        " UNION ALL SELECT split_part(u.full_name, ' ', 1), x.at FROM exclusions x JOIN users u ON u.id = x.customer_id"
        " WHERE x.professional_id = :me AND x.excluded_by = 'professional' ORDER BY 2, 1",
        CUSTOMER + PROFESSIONAL,
    ),
)
ERASE = (
    "DELETE FROM offered_services WHERE professional_id = :id",
    "DELETE FROM coverage WHERE professional_id = :id",
    "DELETE FROM working_hours WHERE professional_id = :id",
    "DELETE FROM time_off WHERE professional_id = :id",
    "DELETE FROM exclusions WHERE customer_id = :id OR professional_id = :id",
)
SCHEDULING_PERSONAL_DATA = PersonalData("scheduling", own_data=OWN_DATA, erase=ERASE)
