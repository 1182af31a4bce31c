"""Personal data of this room: charges."""

from app.core.personal_data import PersonalData

ERASE = ("UPDATE charges SET brand = NULL, last4 = NULL WHERE customer_id = :id",)
PAYMENTS_PERSONAL_DATA = PersonalData("payments", erase=ERASE)
