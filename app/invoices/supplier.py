"""Doorstep as the supplier of an invoice: its legal name and GSTIN, as admins saved them, else of the environment."""

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


DEFAULT_PARTY = Party("Doorstep")


class OwnIdentity:
    """Doorstep's identity in this process; `configure` it from the settings when the process starts."""

    def __init__(self) -> None:
        self.party = DEFAULT_PARTY

    def configure(self, settings: Settings) -> None:
        gstin = settings.gstin or ""
        self.party = Party(settings.legal_name or DEFAULT_PARTY.name, gstin, state=state_of(gstin))

    def party_with(self, saved_name: str, saved_gstin: str) -> Party:
        """What admins saved wins; "" leaves it to the environment."""
        gstin = saved_gstin or self.party.gstin
        return Party(saved_name or self.party.name, gstin, state=state_of(gstin))


DOORSTEP = OwnIdentity()
