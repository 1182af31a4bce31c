"""Split queries into words, drop stop words, and spell Tamil and Devanagari in Latin letters.

PostgreSQL's trigrams see Tamil and Devanagari under some locales only, so each word in those scripts is also searched
for, and each term also stored, by its phonetic key.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

MAX_QUERY_LENGTH, MAX_QUERY_WORDS, MAX_WORD_LENGTH = 200, 8, 40
STOP_WORDS_FILE = Path(__file__).parent / "data" / "small_words.txt"


def _character_table(pairs: str) -> dict[str, str]:
    """Parse pairs: "க k ங ng" → க as k, ங as ng."""
    parts = pairs.split()
    return dict(zip(parts[::2], parts[1::2], strict=True))


TAMIL = _character_table("க k ங ng ச s ஞ nj ட t ண n த th ந n ன n ப p ம m ய y ர r ல l வ v ழ zh ள l ற r ஜ j ஷ sh ஸ s ஹ h")
DEVANAGARI = _character_table(
    "क k ख kh ग g घ gh ङ ng च ch छ ch ज j झ jh ञ n ट t ठ th ड d ढ dh ण n त t थ th द d ध dh न n"
    " प p फ f ब b भ bh म m य y र r ल l व v श sh ष sh स s ह h"
)
CONSONANTS = TAMIL | DEVANAGARI
VOWELS = _character_table(
    "அ a ஆ a இ i ஈ i உ u ஊ u எ e ஏ e ஐ ai ஒ o ஓ o ஔ au अ a आ a इ i ई i उ u ऊ u ऋ ri ए e ऐ ai ऑ o ओ o औ au"
)
# Signs of the same vowels after a consonant.
VOWEL_SIGNS = _character_table(
    "\u0bbe a \u0bbf i \u0bc0 i \u0bc1 u \u0bc2 u \u0bc6 e \u0bc7 e \u0bc8 ai \u0bca o \u0bcb o \u0bcc au"
    " \u093e a \u093f i \u0940 i \u0941 u \u0942 u \u0943 ri \u0947 e \u0948 ai \u0945 e \u0949 o \u094b o \u094c au"
)
VIRAMA = "\u0bcd\u094d"
NASAL_SIGNS = "\u0902\u0901"
# Letter pairs that are one sound.
PAIRED_CHARACTERS = (
    ("ஃப", "f"),
    ("ச்ச", "ch"),
    ("ஞ்ச", "nj"),
    ("ட்ட", "t"),
    ("ற்ற", "tr"),
    ("ड़", "r"),
    ("ढ़", "r"),
    ("ज़", "z"),
)
SAME_SOUND = (
    ("zh", "l"), ("th", "t"), ("dh", "d"), ("bh", "b"), ("kh", "k"), ("gh", "g"), ("ph", "f"), ("ck", "k"),
    ("ee", "i"), ("oo", "u"), ("w", "v"), ("z", "j"), ("y", "i"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class QueryWord:
    """A word of a query. `forms` are its spellings, the best first; `weight` is below 1.0 for weak ones ("repair")."""

    text: str
    forms: tuple[str, ...]
    weight: float

    @property
    def transpositions(self) -> list[str]:
        """The word with each pair of neighbouring letters swapped: "drian" → …, "drain", …"""
        word = self.text
        if not (word.isascii() and word.isalpha() and 4 <= len(word) <= 12):
            return []
        swapped = (word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1))
        return [form for form in swapped if form != word]


def normalized_words(typed: str) -> list[str]:
    """Split into lower-case words of letters, marks and digits: "2BHK, Men's A/C" → 2, bhk, mens, ac."""
    text = unicodedata.normalize("NFKC", typed[:MAX_QUERY_LENGTH]).casefold()
    text = re.sub(r"['’\u200b-\u200d]", "", text)
    text = re.sub(r"\ba[/.] ?c\b", "ac", text)
    text = "".join(sign if unicodedata.category(sign)[0] in "LMN" else " " for sign in text)
    text = re.sub(r"(?<=\d)(?=[a-z])|(?<=[a-z])(?=\d)", " ", text)
    return [word[:MAX_WORD_LENGTH] for word in text.split()]


def query_words(typed: str) -> list[QueryWord]:
    """Parse a query into its words without stop words, at most eight."""
    stop, weak = stop_words()
    content_words = [word for word in normalized_words(typed) if word not in stop][:MAX_QUERY_WORDS]
    return [QueryWord(word, word_forms(word), 0.4 if word in weak else 1.0) for word in content_words]


def word_forms(word: str) -> tuple[str, ...]:
    """The word, its singular, its phonetic key."""
    singular = re.sub(r"(?<=[^s])s$", "", word) if word.isascii() and len(word) > 3 else word
    return tuple(dict.fromkeys((word, singular, phonetic_key(singular))))


def term_spellings(term: str, language: str) -> Iterator[tuple[str, str]]:
    """Yield the (term, language) pairs to store for a term: as written, and its phonetic key in Latin letters."""
    parts = normalized_words(term)
    yield " ".join(parts), language
    if language != "en":
        yield " ".join(phonetic_key(part) for part in parts), "translit"


def phonetic_key(word: str) -> str:
    """Spell in Latin letters with one spelling per sound: குழாய், kuzhaai and kuzhai → kulai."""
    key = to_latin(word)
    for spelling, same in SAME_SOUND:
        key = key.replace(spelling, same)
    return re.sub(r"([a-z])\1", r"\1", key)


def to_latin(word: str) -> str:
    """Transliterate Tamil and Devanagari letter by letter; other letters stay."""
    latin: list[str] = []
    inherent_a = False  # whether the last consonant still carries its inherent a
    for character in _join_pairs(word):
        consonant = CONSONANTS.get(character) or (character if character.isascii() else None)
        if character in VOWEL_SIGNS or character in VIRAMA:
            inherent_a = False
            latin.append(VOWEL_SIGNS.get(character, ""))
            continue
        if inherent_a:
            latin.append("a")
        inherent_a = character in CONSONANTS or character in PAIR_SOUNDS
        latin.append(
            consonant or VOWELS.get(character) or ("n" if character in NASAL_SIGNS else PAIR_SOUNDS.get(character, ""))
        )
    # Hindi does not pronounce a final inherent a, Tamil does: நல்ல, नल.
    if inherent_a and any(character in TAMIL for character in word):
        latin.append("a")
    return "".join(latin)


# Each pair is replaced by one character of the private use area, so that it is read as one.
PAIR_SOUNDS = {chr(0xE000 + index): spelling for index, (_, spelling) in enumerate(PAIRED_CHARACTERS)}


def _join_pairs(word: str) -> str:
    word = unicodedata.normalize("NFC", word)
    for index, (pair, _) in enumerate(PAIRED_CHARACTERS):
        word = word.replace(unicodedata.normalize("NFC", pair), chr(0xE000 + index))
    return word.replace("\u093c", "")


@cache
def stop_words() -> tuple[frozenset[str], frozenset[str]]:
    """Read the stop words, and the weak words that count less."""
    lines = STOP_WORDS_FILE.read_text(encoding="utf-8").splitlines()
    stop, _, weak = "\n".join(line for line in lines if not line.startswith("#")).partition("weak:")
    return frozenset(stop.split()), frozenset(weak.split())
