"""Queries of referrals: who invited whom, and what friends have in common with others."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import Role, User
from app.core.sql import fetch_value
from app.promotions.referral import Referral, ReferralOutcome

OPEN_ACCOUNT = """
    EXISTS (SELECT 1 FROM users u WHERE u.id = {person} AND u.role = 'customer' AND u.deleted_at IS NULL
               AND NOT EXISTS (SELECT 1 FROM blocks k WHERE k.user_id = u.id AND k.lifted_at IS NULL))
"""
# Letters and digits of an address, so that "Flat 3B," and "flat 3b" are the same.
ADDRESS = "lower(regexp_replace({line}, '[[:space:][:punct:]]', '', 'g'))"
# $1 is the friend, $2 the inviter, $3 and $4 the address and pincode of the first visit. A phone or an address is
# compared with everyone who was referred; a card or UPI ID, which strangers may share the digits of, with the
# inviter's other friends.
IN_COMMON = f"""
    WITH others AS (
        SELECT $2::bigint AS id, true AS near
        UNION SELECT friend_id, inviter_id = $2 FROM referrals WHERE friend_id <> $1),
    places AS (
        SELECT {ADDRESS.format(line="line")} AS line, pincode FROM addresses WHERE user_id = $1
        UNION SELECT {ADDRESS.format(line="$3::text")}, $4::text),
    cards AS (SELECT brand, last4 FROM charges WHERE customer_id = $1 AND last4 IS NOT NULL
              UNION SELECT brand, last4 FROM saved_methods WHERE customer_id = $1 AND last4 IS NOT NULL),
    upi_ids AS (SELECT masked_id FROM charges WHERE customer_id = $1 AND masked_id IS NOT NULL
                UNION SELECT masked_id FROM saved_methods WHERE customer_id = $1 AND masked_id IS NOT NULL)
    SELECT CASE
        WHEN NOT ({OPEN_ACCOUNT.format(person="$1")} AND {OPEN_ACCOUNT.format(person="$2")}) THEN 'closed'
        WHEN EXISTS (SELECT 1 FROM others o JOIN users u ON u.id = o.id
                      WHERE u.phone <> '' AND u.phone = (SELECT phone FROM users WHERE id = $1)) THEN 'phone'
        WHEN EXISTS (SELECT 1 FROM others o JOIN addresses a ON a.user_id = o.id
                       JOIN places p ON p.pincode = a.pincode AND p.line = {ADDRESS.format(line="a.line")})
            THEN 'address'
        WHEN EXISTS (SELECT 1 FROM others o JOIN charges c ON c.customer_id = o.id
                      WHERE o.near AND ((c.brand, c.last4) IN (SELECT brand, last4 FROM cards)
                                        OR c.masked_id IN (SELECT masked_id FROM upi_ids)))
          OR EXISTS (SELECT 1 FROM others o JOIN saved_methods s ON s.customer_id = o.id
                      WHERE o.near AND ((s.brand, s.last4) IN (SELECT brand, last4 FROM cards)
                                        OR s.masked_id IN (SELECT masked_id FROM upi_ids)))
            THEN 'method'
        ELSE 'granted' END
"""


class Referrals:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def is_customer(self, person_id: int) -> bool:
        query = select(User.id).where(User.id == person_id, User.role == Role.CUSTOMER, User.deleted_at.is_(None))
        return await self._db.scalar(query) is not None

    async def add(self, friend_id: int, inviter_id: int, now: datetime) -> None:
        """The first invite that a new customer followed is kept."""
        values = {"friend_id": friend_id, "inviter_id": inviter_id, "at": now}
        await self._db.execute(insert(Referral).values(values).on_conflict_do_nothing())

    async def undecided(self, friend_id: int) -> Referral | None:
        """Row-locked, so that it is decided once."""
        query = select(Referral).where(Referral.friend_id == friend_id, Referral.outcome.is_(None)).with_for_update()
        return (await self._db.scalars(query)).first()

    async def outcome_of(self, referral: Referral, address: str, pincode: str) -> ReferralOutcome:
        """Whether friend and inviter get credit, or what speaks against it."""
        args = referral.friend_id, referral.inviter_id, address, pincode
        return ReferralOutcome(await fetch_value(self._db, IN_COMMON, *args))

    async def counts(self, inviter_id: int) -> tuple[int, int]:
        """(friends who signed up, friends whose first visit brought credit)."""
        outcomes = list(await self._db.scalars(select(Referral.outcome).where(Referral.inviter_id == inviter_id)))
        return len(outcomes), outcomes.count(ReferralOutcome.GRANTED)
