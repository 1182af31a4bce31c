"""A completed booking of Asha's with its receipt, as the application signs it."""

from dataclasses import dataclass
from typing import Any

from tests.bookings.scenes import Scene
from tests.person import Person


@dataclass
class Handover:
    scene: Scene
    asha: Person
    reference: str
    document: dict[str, Any]

    @property
    def receipt(self) -> str:
        return self.document["receipt"]

    @property
    def parts(self) -> list[str]:
        return self.receipt.split(".")


async def handed_over(scene: Scene) -> Handover:
    asha = await scene.browser(scene.asha)
    reference = await scene.done(asha)
    answer = await asha.get(f"/bookings/{reference}/handover.json")
    assert answer.status_code == 200, answer.text
    return Handover(scene, asha, reference, answer.json())
