"""How a customer's money is shared between the professional and Doorstep, in whole paise."""

COMMISSION_PERCENT = 15  # of a job
FEE_SHARE_PERCENT = 70  # of a fee, for the professional


def rounded_share(amount: int, part: int, whole: int) -> int:
    """`part`/`whole` of `amount` paise, half up."""
    return (2 * amount * part + whole) // (2 * whole)


def commission_of(total: int) -> int:
    """Doorstep's commission on a job's `total` paise."""
    return rounded_share(total, COMMISSION_PERCENT, 100)


def earning_of(total: int) -> int:
    """The professional's earning from a job's `total` paise."""
    return total - commission_of(total)
