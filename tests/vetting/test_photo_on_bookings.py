"""The checked photo of who comes is on the customer's booking, and goes with the photo, the block and the approval."""

import re

import pytest
from sqlalchemy import text

from tests.own_application import own_app, scene

__all__ = ["own_app", "scene"]

ADD_PHOTO = """
    INSERT INTO documents (professional_id, kind, state, name, stored_as, media_type, size, sha256, uploaded_at,
                           decided_at)
    VALUES (:id, 'photo', 'approved', 'photo.jpg', 'a-photo', 'image/jpeg', 9, decode(repeat('00', 32), 'hex'), now(),
            now())
    RETURNING id
"""
BLOCK = "INSERT INTO blocks (user_id, blocked_by_id, reason, created_at) VALUES (:id, :id, 'Rude.', now())"


@pytest.mark.parametrize(
    "ended",
    [
        "UPDATE documents SET stored_as = NULL WHERE professional_id = :id",
        "UPDATE documents SET state = 'replaced' WHERE professional_id = :id",
        BLOCK,
    ],
)
async def test_the_booking_shows_the_photo_while_it_is_public(scene, ended):
    asha = await scene.browser(scene.asha)
    reference = await scene.paid(asha)
    waiting = await asha.visit(f"/bookings/{reference}")
    assert re.search(r"\.\s+This page updates when one accepts\.", waiting.text), "a blank between sentences"
    await scene.accepted(reference)
    async with scene.database.work() as db:
        photo_id = await db.scalar(text(ADD_PHOTO), {"id": scene.ravi.id})
    shown = f'src="/professionals/{scene.ravi.id}/photo?v={photo_id}"'
    assert shown in (await asha.visit(f"/bookings/{reference}")).text
    async with scene.database.work() as db:
        await db.execute(text(ended), {"id": scene.ravi.id})
    assert shown not in (await asha.visit(f"/bookings/{reference}")).text
