"""Who gets what of a paid sum: paise, rounded half up, nothing lost between the two shares."""

COMMISSION_PER_CENT = 15
FEE_SHARE_PER_CENT = 70


def commission_of(total: int) -> int:
    """What Doorstep keeps of a job's total."""
    return (total * COMMISSION_PER_CENT + 50) // 100


def earning_of(total: int) -> int:
    """What the professional earns of a job's total."""
    return total - commission_of(total)


def fee_share_of(fee: int) -> int:
    """The professional's part of a late cancellation or no-show fee; the rest is commission."""
    return (fee * FEE_SHARE_PER_CENT + 50) // 100
