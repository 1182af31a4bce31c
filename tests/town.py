"""The town of the stories: the whole catalogue, two plumbers in Adyar and one farther away, all with passwords."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import User
from app.catalog.reference_data import load_catalogue
from app.catalog.service import Service
from app.core.encryption import Encryption
from app.core.secrets import Passwords
from tests.factories import ADYAR, BESANT_NAGAR, TAMBARAM, a_professional

LEAKS = "fixing-leaks-and-pipes"
PASSWORD = "mangoes in the month of may"  # pragma: allowlist secret
ASHA = {
    "full_name": "Asha Raman",
    "email": "asha.raman@example.com",
    "phone": "+91 00000 00412",
    "password": PASSWORD,
    "address": "Flat 3B, Sri Lakshmi Apartments, Kasturba Nagar",
    "pincode": ADYAR,
}
NOTE = "Ring twice, the dog is friendly."
PRIVATE = ("Asha", "Raman", "Flat 3B", "Lakshmi", "00412", "Ring twice")
VISA = {"method": "card", "card_number": "4242 4242 4242 4242", "expiry": "08 / 40", "cvv": "123"}


@dataclass
class Town:
    service: Service
    ravi: User
    kumar: User
    omar: User
    # References of bookings that a test adds.
    started: str = ""
    upcoming: str = ""


async def build(db: AsyncSession, secret: str) -> Town:
    """Ravi and Kumar fix leaks in Adyar, Omar does so in Tambaram only."""
    await load_catalogue(db)
    service = (await db.scalars(select(Service).where(Service.slug == LEAKS))).one()
    town = Town(
        service,
        await a_professional(db, "Ravi Kumar", email="ravi@example.com", services=[service]),
        await a_professional(db, "Kumar Das", email="kumar@example.com", services=[service], home=BESANT_NAGAR),
        await a_professional(
            db, "Omar Sheriff", email="omar@example.com", services=[service], pincodes=[TAMBARAM], home=TAMBARAM
        ),
    )
    hashed = await Passwords(Encryption(secret), cheap=True).hash(PASSWORD)
    for professional in (town.ravi, town.kumar, town.omar):
        professional.password_hash = hashed
    await db.flush()
    return town
