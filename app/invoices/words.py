"""Amounts of money in words, as Indian documents have them: in English, with lakh and crore."""

ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
UNITS = ((10_000_000, "crore"), (100_000, "lakh"), (1_000, "thousand"), (100, "hundred"))


def amount_in_words(paise: int) -> str:
    """ "One lakh twenty-three thousand rupees and fifty paise only"; `paise` is not negative."""
    rupees, rest = divmod(paise, 100)
    words = f"{number_in_words(rupees)} {'rupee' if rupees == 1 else 'rupees'}"
    if rest:
        words += f" and {number_in_words(rest)} {'paisa' if rest == 1 else 'paise'}"
    return f"{words[0].upper()}{words[1:]} only"


def number_in_words(number: int) -> str:
    """The number in words; above 99 crore the crores are counted in words themselves."""
    parts: list[str] = []
    for value, unit in UNITS:
        if number >= value:
            parts.append(f"{number_in_words(number // value)} {unit}")
            number %= value
    if number or not parts:
        parts.append(_below_hundred(number))
    return " ".join(parts)


def _below_hundred(number: int) -> str:
    if number < len(ONES):
        return ONES[number]
    tens, rest = divmod(number, 10)
    return f"{TENS[tens]}-{ONES[rest]}" if rest else TENS[tens]
