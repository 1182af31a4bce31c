"""Personal data of this room: favourites, with the account."""

from app.core.personal_data import CUSTOMER, OwnDataSection, PersonalData

OWN_DATA = (
    OwnDataSection(
        "favourites",
        "SELECT u.full_name AS professional, f.at AS added_at"
        " FROM favourites f JOIN users u ON u.id = f.professional_id"
        " WHERE f.customer_id = :me ORDER BY f.at, f.professional_id",
        CUSTOMER,
    ),
)
ERASE = ("DELETE FROM favourites WHERE customer_id = :id",)
FAVOURITES_PERSONAL_DATA = PersonalData("favourites", own_data=OWN_DATA, erase=ERASE)
