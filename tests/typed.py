"""Text as people and phones write and paste it: digits of other scripts, blanks, dashes, invisible characters."""

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

ZEROS = "0०০੦૦௦౦೦൦０٠"  # of ten scripts
BLANKS = ["", " ", "\u00a0", "\u2009", "\u202f", "\u200b", "\ufeff", "\u2060"]
DASHES = ["-", "\u2010", "\u2011", "\u2013", "\u2212"]
EDGES = ["", " ", "\u00a0", "\u200b", "\u200e", "\ufeff", "\t"]


@st.composite
def pasted(draw: DrawFn, text: st.SearchStrategy[str], *, groups: bool = True) -> tuple[str, str]:
    """(as it is stored, as it was written); `groups`: with blanks and dashes between its characters."""
    plain = draw(text)
    between = st.sampled_from([*BLANKS, *DASHES]) if groups else st.just("")
    zero = draw(st.sampled_from(ZEROS))
    written = [chr(ord(zero) + int(char)) if "0" <= char <= "9" else char for char in plain]
    body = "".join(char + draw(between) for char in written[:-1]) + written[-1]
    return plain, draw(st.sampled_from(EDGES)) + body + draw(st.sampled_from(EDGES))


def digits(length: int, first: str = "123456789") -> st.SearchStrategy[str]:
    """Numbers of so many digits."""
    rest = st.text("0123456789", min_size=length - 1, max_size=length - 1)
    return st.builds(str.__add__, st.sampled_from(first), rest)
