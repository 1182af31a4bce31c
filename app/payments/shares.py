"""Who gets what of a customer's money: whole paise in, whole paise out, nothing lost in rounding."""

COMMISSION = 15  # per cent of a job
FEE_TO_PROFESSIONAL = 70  # per cent of a late cancellation's fee


def rounded_share(amount: int, part: int, whole: int) -> int:
    """`part`/`whole` of `amount` paise, half up."""
    return (2 * amount * part + whole) // (2 * whole)


def commission_of(total: int) -> int:
    """Ours of a job's `total` paise; the rest is the professional's earning."""
    return rounded_share(total, COMMISSION, 100)


def earning_of(total: int) -> int:
    """The professional's of a job's `total` paise."""
    return total - commission_of(total)


def fee_split(fee: int, *, to_professional: bool) -> tuple[int, int]:
    """(professional's, ours) of a fee; all ours where no professional lost the time."""
    theirs = rounded_share(fee, FEE_TO_PROFESSIONAL, 100) if to_professional else 0
    return theirs, fee - theirs
