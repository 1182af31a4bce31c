"""Doorstep as the supplier of an invoice: its legal name and GSTIN, of the environment."""

from dataclasses import dataclass

from app.accounts.gstin import STATE_CODES, state_of
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Party:
    """Who supplies or receives, as the invoice says it; "" for what is not known."""

    name: str
    gstin: str = ""
    business_name: str = ""
    address: str = ""
    state: str = ""

    @property
    def state_code(self) -> str:
        return STATE_CODES.get(self.state, "")


class OwnIdentity:
    """Doorstep's identity in this process; `configure` it from the settings when the process starts."""

    def __init__(self) -> None:
        self.party = Party("Doorstep")

    def configure(self, settings: Settings) -> None:
        gstin = settings.gstin or ""
        self.party = Party(settings.legal_name or "Doorstep", gstin, state=state_of(gstin))


DOORSTEP = OwnIdentity()
