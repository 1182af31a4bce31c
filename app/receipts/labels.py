"""What is said of a verified receipt."""

from app.core.i18n import N_
from app.receipts.verification import Verdict

VERDICT_HEADINGS = {
    Verdict.VALID: N_("Valid"),
    Verdict.ALTERED: N_("Altered"),
    Verdict.UNKNOWN: N_("Unknown"),
}
VERDICT_TEXTS = {
    Verdict.VALID: N_("Doorstep signed this receipt, and every letter of it is as it was signed."),
    Verdict.ALTERED: N_("This isn't what Doorstep signed. Don't rely on it."),
    Verdict.UNKNOWN: N_("This isn't signed with a key of Doorstep. Check that you sent all of it."),
}
