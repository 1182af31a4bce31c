"""Personal data of this room: monthly statements."""

from app.core.personal_data import CUSTOMER, OwnDataSection, PersonalData

OWN_DATA = (
    OwnDataSection(
        "monthly_reports",
        "SELECT month, facts, created_at AS made_at FROM monthly_reports WHERE user_id = :me ORDER BY month",
        CUSTOMER,
    ),
)
ERASE = ("DELETE FROM monthly_reports WHERE user_id = :id",)
REPORTS_PERSONAL_DATA = PersonalData("reports", own_data=OWN_DATA, erase=ERASE)
