"""From what people type to services and places. Only questions to the database; nothing is written.

A typed word may be a term, a service's or a category's name, the beginning of one, or one of them misspelt. Trigrams
find the candidates, edit distance judges them, the grades of the words are added up, and what falls far behind the
best is left out. A place may stand among the words.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.transliteration import LONGEST_QUERY, Word, asked, sound, words

MOST_HITS = 200
# A word as typed, its singular, its sound; one with two letters swapped back.
FORM_WORTH, SWAPPED_WORTH = (1.0, 0.98, 0.95), 0.7
# How a form is to be met, in place of a number of slips: as it stands; as it stands, if the word itself is unknown.
AS_IT_STANDS, SWAPPED = -1, -2

# Whatever carries a word that is like `a.form`: <<% the very word, <% one that resembles it.
WRITTEN = """CROSS JOIN LATERAL (
        SELECT term, language = 'en' AS english, category_id, service_id, 1 + (weight - 1) * 0.1 AS worth
        FROM search_terms WHERE a.form {like} term
        UNION ALL
        SELECT lower(name), true, NULL, id, 1 FROM services WHERE a.form {like} name
        UNION ALL
        SELECT lower(name), true, id, NULL, 1 FROM categories WHERE a.form {like} name
    ) f"""
SAME, LIKE = WRITTEN.format(like="<<%"), WRITTEN.format(like="<%")

# The thresholds must be set before the first trigram is compared: `asked` reads `setting`, the rest reads `asked`.
# 0.99 means a whole word, letter for letter; 0.33 meets most mistakes in a word of seven letters. A word that we know
# as it stands is not looked for in other shapes; one without trigrams (Tamil in a C locale) would read a whole index.
MET = f"""
WITH setting AS MATERIALIZED (
    SELECT set_config('pg_trgm.strict_word_similarity_threshold', '0.99', true),
        set_config('pg_trgm.word_similarity_threshold', '0.33', true)
), asked AS MATERIALIZED (
    SELECT a.* FROM setting, unnest(
        CAST(:places AS int[]), CAST(:forms AS text[]), CAST(:factors AS real[]), CAST(:slips AS int[])
    ) AS a (place, form, factor, slips) WHERE show_trgm(a.form) <> '{{}}'
), exact AS MATERIALIZED (
    SELECT a.place, a.form AS part, f.english, f.category_id, f.service_id, false AS misspelt,
        a.factor * f.worth * CASE WHEN f.term = a.form THEN 1 ELSE 0.9 END AS grade
    FROM asked a {SAME} WHERE a.slips > {SWAPPED}
), unknown AS MATERIALIZED (
    SELECT * FROM asked a WHERE NOT EXISTS (SELECT FROM exact e WHERE e.place = a.place)
), swapped AS (
    SELECT a.place, a.form, f.english, f.category_id, f.service_id, true, a.factor * f.worth
    FROM unknown a {SAME} WHERE a.slips = {SWAPPED}
), like_it AS (
    SELECT a.place, a.form, a.factor, a.slips, f.* FROM unknown a {LIKE} WHERE a.slips >= 0
), judged AS (
    SELECT l.place, p.part, l.english, l.category_id, l.service_id, NOT starts_with(p.part, l.form) AS misspelt,
        l.factor * l.worth * CASE
        WHEN length(l.form) > CASE WHEN l.english THEN 2 ELSE 3 END AND starts_with(p.part, l.form) THEN 0.65
        WHEN l.slips > 0 AND (left(p.part, 1) = left(l.form, 1) OR length(l.form) > 6)
            AND abs(length(p.part) - length(l.form)) <= l.slips
            AND levenshtein_less_equal(left(p.part, 60), l.form, l.slips) <= l.slips
            AND similarity(p.part, l.form) > CASE WHEN length(l.form) > 5 THEN 0.28 WHEN l.english THEN 0.35 ELSE 1 END
            THEN 0.3 + 0.4 * similarity(p.part, l.form)
    END AS grade
    FROM like_it l
    CROSS JOIN LATERAL unnest(string_to_array(translate(l.term, ',.:;/()&–-', '          '), ' ')) AS p (part)
), met AS MATERIALIZED (
    SELECT * FROM exact UNION ALL SELECT * FROM swapped UNION ALL SELECT * FROM judged WHERE grade IS NOT NULL
)
"""

RESOLVE = (
    MET
    + """
, reached AS (
    SELECT place, service_id, grade FROM met WHERE service_id IS NOT NULL
    UNION ALL
    SELECT m.place, s.id, m.grade * 0.85
    FROM (SELECT place, category_id, max(grade) AS grade FROM met GROUP BY place, category_id) m
    JOIN services s USING (category_id)
    UNION ALL
    SELECT a.place, s.id, 0.45 FROM asked a JOIN services s ON s.search @@ plainto_tsquery('english', a.form)
), best AS (
    SELECT r.place, r.service_id, max(r.grade) AS grade, max(max(r.grade)) OVER (PARTITION BY r.place) AS top
    FROM reached r JOIN services s ON s.id = r.service_id WHERE s.retired_at IS NULL
    GROUP BY r.place, r.service_id
), worth AS (
    -- A misspelt word says almost as much as one spelt right.
    SELECT b.service_id, b.grade, w.weight, w.weight * (b.grade / b.top) * (0.6 + 0.4 * b.top) AS worth
    FROM best b JOIN unnest(CAST(:weights AS real[])) WITH ORDINALITY AS w (weight, place) USING (place)
    WHERE b.grade >= 0.78 * b.top
), summed AS (
    SELECT service_id, sum(worth) AS score, max(sum(worth)) OVER () AS top
    FROM worth GROUP BY service_id HAVING max(weight) >= :telling
        -- A word of the description alone means something only when no other word was left over.
        AND (max(grade) > 0.45 OR count(*) = cardinality(CAST(:weights AS real[])))
)
SELECT service_id, score FROM summed WHERE score >= 0.6 * top ORDER BY score DESC, service_id LIMIT :most
"""
)

NEAREST = (
    MET
    + """
SELECT DISTINCT ON (place) place, part, english AND misspelt AS misspelt FROM met JOIN asked USING (place)
ORDER BY place, grade DESC, english DESC, abs(length(part) - length(form)), part
"""
)

NAMES = Path(__file__).parent / "data" / "places.tsv"
MOST_TOLD, LONGEST_NAME = 12, 4
NEARBY = ("in", "at", "near", "around")
PINCODE = re.compile(r"(?<![0-9])([1-9][0-9]{2}) ?([0-9]{3})(?![0-9])")

# Chennai first: its rows were checked by hand, the rest of India stands as published.
TOWN = """
WITH asked AS (
    SELECT * FROM unnest(CAST(:starts AS int[]), CAST(:counts AS int[]), CAST(:keys AS text[]), CAST(:slips AS int[]))
        AS a (start, count, key, slips)
), named AS (
    SELECT pincode, regexp_replace(lower(place), '[^a-z]', '', 'g') AS key, 1 AS rank FROM pincodes
    WHERE pincode BETWEEN '600000' AND '600999' AND quality IN ('checked', 'by_hand')
    UNION ALL
    SELECT *, 0 FROM unnest(CAST(:pincodes AS text[]), CAST(:names AS text[]))
), met AS (
    SELECT a.start, a.count, n.pincode, n.rank, levenshtein_less_equal(n.key, a.key, a.slips) AS off
    FROM asked a JOIN named n ON n.key = a.key
        OR (a.slips > 0 AND left(n.key, 1) = left(a.key, 1)
            AND levenshtein_less_equal(n.key, a.key, a.slips) <= a.slips)
)
SELECT p.pincode, p.place, m.start, m.count, m.off FROM met m JOIN pincodes p USING (pincode)
ORDER BY m.off > 0, m.count DESC, m.off, m.rank, p.pincode LIMIT 1
"""
COUNTRY = """
SELECT pincode, place FROM pincodes WHERE place % :name AND similarity(place, :name) >= :alike
ORDER BY similarity(place, :name) DESC, pincode LIMIT 1
"""
BY_PINCODE = "SELECT pincode, place FROM pincodes WHERE pincode = :pincode"
KNOWN_WORD = "SELECT EXISTS (SELECT FROM search_terms WHERE :word <% term AND strict_word_similarity(:word, term) = 1)"


@dataclass(frozen=True, slots=True)
class Hit:
    """A service that the words mean. `score` grows with the number of words met; one exact word is 1."""

    service_id: int
    score: float


@dataclass(frozen=True, slots=True)
class Place:
    """A pincode we know of and the name of its place."""

    pincode: str
    name: str


async def resolve(db: AsyncSession, words: str) -> list[Hit]:
    """The services meant, dearest first, retired ones left out; none when the words say nothing we know."""
    sought = asked(words)
    if not sought:
        return []
    weights = [word.weight for word in sought]
    limits = {"weights": weights, "telling": max(weights), "most": MOST_HITS}
    found = await db.execute(text(RESOLVE), _spread(sought) | limits)
    return [Hit(row.service_id, float(row.score)) for row in found]


async def read_as(db: AsyncSession, words: str) -> str | None:
    """What we took misspelt words for ("tap leking" → "tap leaking"); None when they were read as they stand."""
    sought = asked(words)
    if not sought:
        return None
    nearest = {row.place: row.part for row in await db.execute(text(NEAREST), _spread(sought)) if row.misspelt}
    read = (nearest.get(place, word.text) for place, word in enumerate(sought, start=1))
    return " ".join(read) if nearest else None


def _spread(sought: list[Word]) -> dict[str, object]:
    """Every form of every word, in columns: whose form, how spelt, what it is worth, how many slips it may have."""
    rows = [row for place, word in enumerate(sought, start=1) for row in _shapes(place, word)]
    return dict(zip(("places", "forms", "factors", "slips"), map(list, zip(*rows, strict=True)), strict=True))


def _shapes(place: int, word: Word) -> Iterator[tuple[int, str, float, int]]:
    for rank, form in enumerate(word.forms):
        yield place, form, FORM_WORTH[min(rank, 2)], _slips(form, word)
    for form in word.swapped:
        yield place, form, SWAPPED_WORTH, SWAPPED


def _slips(form: str, word: Word) -> int:
    """Letters that may be wrong, missing or too many.

    Sounds are short and near one another: those of Latin words forgive nothing, those of other scripts little.
    """
    if len(form) < 3 or (form != word.text and word.text.isascii()):
        return AS_IT_STANDS
    if len(form) < (5 if word.text.isascii() else 6):
        return 0
    return 1 if len(form) < 6 else 2 if len(form) < 8 else 3


async def place(db: AsyncSession, typed: str) -> Place | None:
    """What the pincode box means: "600036", "600 036", "Adyar", "tnagar", "அடையாறு", or any place of India."""
    if code := PINCODE.search(typed[:LONGEST_QUERY]):
        return await _by_pincode(db, "".join(code.groups()))
    told = words(typed)[:LONGEST_NAME]
    if not told:
        return None
    return _place(await _in_town(db, {(0, len(told)): "".join(told)})) or await _in_country(
        db, " ".join(told), alike=0.5
    )


async def split(db: AsyncSession, q: str) -> tuple[str, Place | None]:
    """The work wanted and the place, out of one line: "plumber adyar" → "plumber", Adyar; no place, and all is work."""
    q = q[:LONGEST_QUERY]
    if (code := PINCODE.search(q)) and (found := await _by_pincode(db, "".join(code.groups()))):
        return _without_ends(words(q[: code.start()]) + words(q[code.end() :])), found
    told = words(q)[:MOST_TOLD]
    row = await _in_town(db, _runs(told))
    # A misspelt place that is a word of ours, spelt right, is that word.
    if row and (row.off == 0 or not await _is_known(db, told[row.start : row.start + row.count])):
        return _without_ends(told[: row.start] + told[row.start + row.count :]), _place(row)
    return await _elsewhere(db, told)


async def _elsewhere(db: AsyncSession, told: list[str]) -> tuple[str, Place | None]:
    """A place out of town counts when "in" or "near" says so, or when it is all that was typed and no word of ours."""
    said = next((at for at, word in enumerate(told) if word in NEARBY and told[at + 1 :]), None)
    name = told[said + 1 :] if said is not None else told
    if not 0 < len(name) <= LONGEST_NAME or (said is None and await _is_known(db, name)):
        return " ".join(told), None
    found = await _in_country(db, " ".join(name), alike=0.8)
    return (" ".join(told[:said] if said is not None else []), found) if found else (" ".join(told), None)


async def _by_pincode(db: AsyncSession, pincode: str) -> Place | None:
    return _place((await db.execute(text(BY_PINCODE), {"pincode": pincode})).first())


async def _in_town(db: AsyncSession, runs: dict[tuple[int, int], str]) -> Row[Any] | None:
    if not runs:
        return None
    pincodes, names = other_names()
    keys = [sound(run) if not run.isascii() else run for run in runs.values()]
    columns = {
        "starts": [start for start, _ in runs],
        "counts": [count for _, count in runs],
        "keys": keys,
        "slips": [0 if len(key) < 5 else 1 if len(key) < 9 else 2 for key in keys],
        "pincodes": pincodes,
        "names": names,
    }
    return (await db.execute(text(TOWN), columns)).first()


async def _in_country(db: AsyncSession, name: str, *, alike: float) -> Place | None:
    return _place((await db.execute(text(COUNTRY), {"name": name, "alike": alike})).first())


async def _is_known(db: AsyncSession, told: list[str]) -> bool:
    return any([(await db.execute(text(KNOWN_WORD), {"word": word})).scalar_one() for word in told])


def _runs(told: list[str]) -> dict[tuple[int, int], str]:
    """Every run of up to four neighbouring words, written as one: (start, count) → "annanagar"."""
    starts = range(len(told))
    spans = [(start, count) for start in starts for count in range(1, LONGEST_NAME + 1) if start + count <= len(told)]
    return {(start, count): "".join(told[start : start + count]) for start, count in spans}


def _without_ends(told: list[str]) -> str:
    """What is left once the place is gone, without the "in" or "near" that led to it."""
    while told and told[-1] in NEARBY:
        told = told[:-1]
    return " ".join(told)


def _place(row: Row[Any] | None) -> Place | None:
    return Place(row.pincode, row.place) if row else None


@cache
def other_names() -> tuple[list[str], list[str]]:
    """Pincodes and, beside each, a name that people use for it, run together and by its sound."""
    with NAMES.open(encoding="utf-8", newline="") as file:
        rows = [(row["pincode"], "".join(words(row["name"]))) for row in csv.DictReader(file, delimiter="\t")]
    return [pincode for pincode, _ in rows], [name if name.isascii() else sound(name) for _, name in rows]
