"""A budget for coupon codes that are typed, so that codes cannot be guessed: per account, and per network."""

from datetime import timedelta

from app.accounts.attempts import FIRST_WAIT, BackoffPolicy, RateLimitKey
from app.accounts.repository import RateLimits
from app.core.db import TransactionFactory
from app.core.network import client_network
from app.promotions.discounts import parse_code
from app.promotions.repository import Coupons

COUPONS_OF_ACCOUNT = BackoffPolicy("coupons", 10, FIRST_WAIT, timedelta(minutes=15))
COUPONS_OF_NETWORK = BackoffPolicy("coupons_network", 50, FIRST_WAIT, timedelta(minutes=5))
CODES_WITHOUT_NETWORK = 3  # the first codes of an account never wait for what others of its network do


async def count_guess(new_transaction: TransactionFactory, customer_id: int, address: str, typed: str) -> None:
    """Count a typed code, from an IP address, before it is used; one that exists is no guess. Raises RateLimited.

    In a transaction of its own, before the request has a connection, so that many at once wait only in turn.
    """
    code = parse_code(typed)
    if not code:
        return
    keys = [RateLimitKey(COUPONS_OF_ACCOUNT, str(customer_id))]
    async with new_transaction() as db:
        (count,) = await RateLimits(db).hit(keys)
        if count > CODES_WITHOUT_NETWORK:
            network = RateLimitKey(COUPONS_OF_NETWORK, client_network(address))
            await RateLimits(db).hit([network])
            keys.append(network)
        if await Coupons(db).find(code) is not None:
            await RateLimits(db).reset(keys)
