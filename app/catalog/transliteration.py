"""What people type, taken apart: words, small words, and Tamil and Devanagari as people spell them in Latin letters.

PostgreSQL's trigrams see Tamil and Devanagari under some locales only, so each word in those letters is also sought,
and each term in them also kept, by its sound.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LONGEST_QUERY, MOST_WORDS, LONGEST_WORD = 200, 8, 40
SMALL_WORDS = Path(__file__).parent / "data" / "small_words.txt"


def _table(pairs: str) -> dict[str, str]:
    """ "க k ங ng" → க as k, ங as ng."""
    told = pairs.split()
    return dict(zip(told[::2], told[1::2], strict=True))


TAMIL = _table("க k ங ng ச s ஞ nj ட t ண n த th ந n ன n ப p ம m ய y ர r ல l வ v ழ zh ள l ற r ஜ j ஷ sh ஸ s ஹ h")
DEVANAGARI = _table(
    "क k ख kh ग g घ gh ङ ng च ch छ ch ज j झ jh ञ n ट t ठ th ड d ढ dh ण n त t थ th द d ध dh न n"
    " प p फ f ब b भ bh म m य y र r ल l व v श sh ष sh स s ह h"
)
CONSONANTS = TAMIL | DEVANAGARI
VOWELS = _table("அ a ஆ a இ i ஈ i உ u ஊ u எ e ஏ e ஐ ai ஒ o ஓ o ஔ au अ a आ a इ i ई i उ u ऊ u ऋ ri ए e ऐ ai ऑ o ओ o औ au")
# The signs of the same vowels after a consonant.
SIGNS = _table(
    "\u0bbe a \u0bbf i \u0bc0 i \u0bc1 u \u0bc2 u \u0bc6 e \u0bc7 e \u0bc8 ai \u0bca o \u0bcb o \u0bcc au"
    " \u093e a \u093f i \u0940 i \u0941 u \u0942 u \u0943 ri \u0947 e \u0948 ai \u0945 e \u0949 o \u094b o \u094c au"
)
SILENT = "\u0bcd\u094d"
AS_N = "\u0902\u0901"
# Letters that stand for one sound in two strokes.
PAIRS = (("ஃப", "f"), ("ச்ச", "ch"), ("ஞ்ச", "nj"), ("ட்ட", "t"), ("ற்ற", "tr"), ("ड़", "r"), ("ढ़", "r"), ("ज़", "z"))
SAME_SOUND = (
    ("zh", "l"), ("th", "t"), ("dh", "d"), ("bh", "b"), ("kh", "k"), ("gh", "g"), ("ph", "f"), ("ck", "k"),
    ("ee", "i"), ("oo", "u"), ("w", "v"), ("z", "j"), ("y", "i"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """One asked word. `forms` are its spellings, dearest first; `weight` is below 1.0 for weak words like "repair"."""

    text: str
    forms: tuple[str, ...]
    weight: float

    @property
    def swapped(self) -> list[str]:
        """The word with each pair of neighbouring letters changed about: "drian" → …, "drain", …"""
        word = self.text
        if not (word.isascii() and word.isalpha() and 4 <= len(word) <= 12):
            return []
        turned = (word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1))
        return [form for form in turned if form != word]


def words(typed: str) -> list[str]:
    """Small letters, marks kept, everything else a gap: "2BHK, Men's A/C" → 2, bhk, mens, ac."""
    text = unicodedata.normalize("NFKC", typed[:LONGEST_QUERY]).casefold()
    text = re.sub(r"['’\u200b-\u200d]", "", text)
    text = re.sub(r"\ba[/.] ?c\b", "ac", text)
    text = "".join(sign if unicodedata.category(sign)[0] in "LMN" else " " for sign in text)
    text = re.sub(r"(?<=\d)(?=[a-z])|(?<=[a-z])(?=\d)", " ", text)
    return [word[:LONGEST_WORD] for word in text.split()]


def asked(typed: str) -> list[Word]:
    """The words that say what is wanted, at most eight."""
    dropped, weak = small_words()
    telling = [word for word in words(typed) if word not in dropped][:MOST_WORDS]
    return [Word(word, forms(word), 0.4 if word in weak else 1.0) for word in telling]


def forms(word: str) -> tuple[str, ...]:
    """The word itself, its singular, its sound."""
    singular = re.sub(r"(?<=[^s])s$", "", word) if word.isascii() and len(word) > 3 else word
    return tuple(dict.fromkeys((word, singular, sound(singular))))


def sound(word: str) -> str:
    """The word in plain Latin letters, spellings of one sound made alike: குழாய், kuzhaai and kuzhai → kulai."""
    heard = latin(word)
    for spelling, same in SAME_SOUND:
        heard = heard.replace(spelling, same)
    return re.sub(r"([a-z])\1", r"\1", heard)


def latin(word: str) -> str:
    """Tamil and Devanagari letter by letter; other letters stay."""
    spelt: list[str] = []
    bare = False  # the last consonant still carries its inherent a
    for letter in _paired(word):
        known = CONSONANTS.get(letter) or (letter if letter.isascii() else None)
        if letter in SIGNS or letter in SILENT:
            bare = False
            spelt.append(SIGNS.get(letter, ""))
            continue
        if bare:
            spelt.append("a")
        bare = letter in CONSONANTS or letter in _PAIRED
        spelt.append(known or VOWELS.get(letter) or ("n" if letter in AS_N else _PAIRED.get(letter, "")))
    # Hindi does not speak the a at a word's end, Tamil does: நல்ல, नल.
    if bare and any(letter in TAMIL for letter in word):
        spelt.append("a")
    return "".join(spelt)


# Each pair stands for a moment in a letter of the private use area, so that it is read as one.
_PAIRED = {chr(0xE000 + place): spelling for place, (_, spelling) in enumerate(PAIRS)}


def _paired(word: str) -> str:
    word = unicodedata.normalize("NFC", word)
    for place, (pair, _) in enumerate(PAIRS):
        word = word.replace(unicodedata.normalize("NFC", pair), chr(0xE000 + place))
    return word.replace("\u093c", "")


@cache
def small_words() -> tuple[frozenset[str], frozenset[str]]:
    """Words to leave out, and words that count less."""
    lines = SMALL_WORDS.read_text(encoding="utf-8").splitlines()
    dropped, _, weak = "\n".join(line for line in lines if not line.startswith("#")).partition("weak:")
    return frozenset(dropped.split()), frozenset(weak.split())
