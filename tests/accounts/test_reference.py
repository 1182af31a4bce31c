"""Loading the pincodes: complete, idempotent, and corrected from the file."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.pincode_data import load_pincodes


async def test_every_pincode_is_there_and_170_have_no_coordinates(db: AsyncSession) -> None:
    await load_pincodes(await db.connection())
    counted = text("SELECT count(*), count(*) FILTER (WHERE latitude IS NULL AND longitude IS NULL) FROM pincodes")
    assert tuple((await db.execute(counted)).one()) == (19_586, 170)
    adyar = await db.execute(text("SELECT place, latitude, longitude, quality FROM pincodes WHERE pincode = '600020'"))
    assert tuple(adyar.one()) == ("Adyar", pytest.approx(13.0232), pytest.approx(80.2475), "checked")


async def test_loading_again_touches_only_what_differs(db: AsyncSession) -> None:
    connection = await db.connection()
    await load_pincodes(connection)
    assert await load_pincodes(connection) == 0
    await db.execute(text("UPDATE pincodes SET place = 'Elsewhere', latitude = NULL WHERE pincode = '600020'"))
    assert await load_pincodes(connection) == 1
    assert await db.scalar(text("SELECT place FROM pincodes WHERE pincode = '600020'")) == "Adyar"
