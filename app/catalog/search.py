"""Search for services and places by what people type. Reads only.

A typed word may be a search term, a service's or a category's name, a prefix of one, or one of them misspelt. Trigrams
find the candidates, edit distance grades them, the grades of the words are added up, and services far below the best
are left out. A place may be among the words.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from asyncpg import Record
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import typed_pincode
from app.catalog.transliteration import MAX_QUERY_LENGTH, QueryWord, normalized_words, phonetic_key, query_words
from app.core.sql import fetch, fetch_row, fetch_value, rows
from app.core.typed_text import normal_line, plain_line

MAX_HITS = 200
MIN_NAMED_SHARE = 0.6  # of the weights of all words of a name
# Weights of a word as typed, of its singular, of its phonetic key; and of one with two letters swapped back.
FORM_WEIGHTS, TRANSPOSED_WEIGHT = (1.0, 0.98, 0.95), 0.7
# In place of a number of edits: match exactly; match exactly if the word itself is unknown.
EXACT, TRANSPOSED = -1, -2

# Terms and names that contain a word like `a.form`: <<% the same word, <% a similar one.
CANDIDATE_TERMS = """CROSS JOIN LATERAL (
        SELECT term, language = 'en' AS english, category_id, service_id, 1 + (weight - 1) * 0.1 AS worth
        FROM search_terms WHERE a.form {like} term
        UNION ALL
        SELECT lower(name), true, NULL, id, 1 FROM services WHERE a.form {like} name
        UNION ALL
        SELECT lower(name), true, id, NULL, 1 FROM categories WHERE a.form {like} name
    ) f"""
SAME_WORD, SIMILAR_WORD = CANDIDATE_TERMS.format(like="<<%"), CANDIDATE_TERMS.format(like="<%")

# Arrays come through `typed`, out of the planner's sight, and limits stand in the text: to plan it takes a millisecond,
# and what the plan does not depend on lets PostgreSQL keep one plan for all values.
# The thresholds must be set before the first trigram is compared: `query` reads `setting`, the rest reads `query`.
# 0.99 means an identical word; 0.33 finds most mistakes in a word of seven letters. A word that is known as typed is
# not searched for in other forms; one that is known with two letters swapped back is not compared with similar ones,
# the slowest step; one without trigrams (Tamil in a C locale) would scan a whole index.
WORD_MATCHES = f"""
WITH setting AS MATERIALIZED (
    SELECT set_config('pg_trgm.strict_word_similarity_threshold', '0.99', true),
        set_config('pg_trgm.word_similarity_threshold', '0.33', true)
), typed AS MATERIALIZED (
    SELECT $1::int[] AS places, $2::text[] AS forms, $3::real[] AS factors, $4::int[] AS edits FROM setting
), query AS MATERIALIZED (
    SELECT a.* FROM typed, unnest(places, forms, factors, edits) AS a (place, form, factor, edits)
    WHERE show_trgm(a.form) <> '{{}}'
), exact AS MATERIALIZED (
    SELECT a.place, a.form AS part, f.english, f.category_id, f.service_id, false AS misspelt,
        a.factor * f.worth * CASE WHEN f.term = a.form THEN 1 ELSE 0.9 END AS grade
    FROM query a {SAME_WORD} WHERE a.edits > {TRANSPOSED}
), unknown AS MATERIALIZED (
    SELECT * FROM query a WHERE NOT EXISTS (SELECT FROM exact e WHERE e.place = a.place)
), swapped AS MATERIALIZED (
    SELECT a.place, a.form AS part, f.english, f.category_id, f.service_id, true AS misspelt,
        a.factor * f.worth AS grade
    FROM unknown a {SAME_WORD} WHERE a.edits = {TRANSPOSED}
), like_it AS (
    SELECT a.place, a.form, a.factor, a.edits, f.* FROM unknown a {SIMILAR_WORD}
    WHERE a.edits >= 0 AND NOT EXISTS (SELECT FROM swapped s WHERE s.place = a.place)
), judged AS (
    SELECT l.place, p.part, l.english, l.category_id, l.service_id, NOT starts_with(p.part, l.form) AS misspelt,
        l.factor * l.worth * CASE
        WHEN length(l.form) > CASE WHEN l.english THEN 2 ELSE 3 END AND starts_with(p.part, l.form) THEN 0.65
        WHEN l.edits > 0 AND (left(p.part, 1) = left(l.form, 1) OR length(l.form) > 6)
            AND abs(length(p.part) - length(l.form)) <= l.edits
            AND levenshtein_less_equal(left(p.part, 60), l.form, l.edits) <= l.edits
            AND similarity(p.part, l.form) > CASE WHEN length(l.form) > 5 THEN 0.28 WHEN l.english THEN 0.35 ELSE 1 END
            THEN 0.3 + 0.4 * similarity(p.part, l.form)
    END AS grade
    FROM like_it l
    CROSS JOIN LATERAL unnest(string_to_array(translate(l.term, ',.:;/()&–-', '          '), ' ')) AS p (part)
), met AS MATERIALIZED (
    SELECT * FROM exact UNION ALL SELECT * FROM swapped UNION ALL SELECT * FROM judged WHERE grade IS NOT NULL
)
"""

FIND_SERVICES = (
    WORD_MATCHES
    + f"""
, weights AS MATERIALIZED (
    SELECT w.* FROM (SELECT $5::real[] AS weights OFFSET 0) a, unnest(weights) WITH ORDINALITY AS w (weight, place)
), reached AS (
    SELECT place, service_id, grade FROM met WHERE service_id IS NOT NULL
    UNION ALL
    SELECT m.place, s.id, m.grade * 0.85
    FROM (SELECT place, category_id, max(grade) AS grade FROM met GROUP BY place, category_id) m
    JOIN services s USING (category_id)
    UNION ALL
    SELECT a.place, s.id, 0.45 FROM query a JOIN services s ON s.search @@ plainto_tsquery('english', a.form)
), best AS (
    SELECT r.place, r.service_id, max(r.grade) AS grade, max(max(r.grade)) OVER (PARTITION BY r.place) AS top
    FROM reached r WHERE r.service_id NOT IN (SELECT id FROM services WHERE retired_at IS NOT NULL)
    GROUP BY r.place, r.service_id
), worth AS (
    -- A misspelt word counts almost as much as a correct one.
    SELECT b.service_id, b.grade, w.weight, w.weight * (b.grade / b.top) * (0.6 + 0.4 * b.top) AS worth
    FROM best b JOIN weights w USING (place)
    WHERE b.grade >= 0.78 * b.top
), summed AS (
    SELECT service_id, sum(worth) AS score, max(sum(worth)) OVER () AS top
    FROM worth GROUP BY service_id HAVING max(weight) >= (SELECT max(weight) FROM weights)
        -- A word found only in a description counts only when every word was found.
        AND (max(grade) > 0.45 OR count(*) = (SELECT count(*) FROM weights))
)
SELECT service_id, score FROM summed WHERE score >= 0.6 * top ORDER BY score DESC, service_id LIMIT {MAX_HITS}
"""
)

CORRECT_QUERY = (
    WORD_MATCHES
    + """
SELECT DISTINCT ON (place) place, part, english AND misspelt AS misspelt FROM met JOIN query USING (place)
ORDER BY place, grade DESC, english DESC, abs(length(part) - length(form)), part
"""
)

PLACES_FILE = Path(__file__).parent / "data" / "places.tsv"
MAX_PLACE_QUERY_WORDS, MAX_PLACE_NAME_WORDS = 12, 4
PREPOSITIONS = ("in", "at", "near", "around")
PINCODE = re.compile(r"(?<![0-9])([1-9][0-9]{2})[ -]?([0-9]{3})(?![0-9])")

# Chennai first: its rows were checked by hand, the rest of India is as published. The popular names are two texts, as
# the driver would take longer over hundreds of array elements than over the rest of the statement.
FIND_IN_TOWN = """
WITH query AS (
    SELECT * FROM unnest($1::int[], $2::int[], $3::text[], $4::int[])
        AS a (start, count, key, edits)
), named AS (
    SELECT pincode, regexp_replace(lower(place), '[^a-z]', '', 'g') AS key, 1 AS rank FROM pincodes
    WHERE pincode BETWEEN '600000' AND '600999' AND quality IN ('checked', 'by_hand')
    UNION ALL
    SELECT *, 0 FROM unnest(string_to_array($5, ' '), string_to_array($6, ' '))
), met AS (
    SELECT a.start, a.count, n.pincode, n.rank, levenshtein_less_equal(n.key, a.key, a.edits) AS off
    FROM query a JOIN named n ON n.key = a.key
        OR (a.edits > 0 AND left(n.key, 1) = left(a.key, 1)
            AND levenshtein_less_equal(n.key, a.key, a.edits) <= a.edits)
)
SELECT p.pincode, p.place, p.latitude, p.longitude, m.start, m.count, m.off FROM met m JOIN pincodes p USING (pincode)
ORDER BY m.off > 0, m.count DESC, m.off, m.rank, p.pincode LIMIT 1
"""
FIND_IN_COUNTRY = """
SELECT pincode, place, latitude, longitude FROM pincodes WHERE place % $1 AND similarity(place, $1) >= $2
ORDER BY similarity(place, $1) DESC, pincode LIMIT 1
"""
FIND_BY_PINCODE = "SELECT pincode, place, latitude, longitude FROM pincodes WHERE pincode = $1"
IS_RETIRED_NAME = """
SELECT EXISTS (SELECT FROM services WHERE retired_at IS NOT NULL AND lower(name) = lower($1))
    AND NOT EXISTS (SELECT FROM services WHERE retired_at IS NULL AND lower(name) = lower($1))
"""
IS_KNOWN_WORD = "SELECT EXISTS (SELECT FROM search_terms WHERE $1 <% term AND strict_word_similarity($1, term) = 1)"


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A service that matches. `score` grows with the number of matching words; one exact word is 1."""

    service_id: int
    score: float


@dataclass(frozen=True, slots=True)
class Place:
    """A pincode, the name of its place, and its coordinates in degrees, None when unknown."""

    pincode: str
    name: str
    latitude: float | None
    longitude: float | None


async def find_services(db: AsyncSession, words: str) -> list[SearchHit]:
    """Find offered services that match the words, the best first; none if no word is known."""
    parsed = query_words(words)
    if not parsed:
        return []
    return await rows(db, SearchHit, FIND_SERVICES, *_word_columns(parsed), [word.weight for word in parsed])


async def find_named_services(db: AsyncSession, name: str) -> list[SearchHit]:
    """Find offered services of that name or nearly so, the best first: most of its words must be found in one service.

    None for the name of a service that is retired: others that share a word with it are not meant.
    """
    if await fetch_value(db, IS_RETIRED_NAME, normal_line(name)):
        return []
    least = MIN_NAMED_SHARE * sum(word.weight for word in query_words(name))
    return [hit for hit in await find_services(db, name) if hit.score >= least]


async def corrected_query(db: AsyncSession, words: str) -> str | None:
    """Return the words with spelling corrected ("tap leking" → "tap leaking"); None if nothing was corrected."""
    parsed = query_words(words)
    if not parsed:
        return None
    found = await fetch(db, CORRECT_QUERY, *_word_columns(parsed))
    nearest = {row["place"]: row["part"] for row in found if row["misspelt"]}
    read = (nearest.get(place, word.text) for place, word in enumerate(parsed, start=1))
    return " ".join(read) if nearest else None


def _word_columns(parsed: list[QueryWord]) -> list[list[object]]:
    """Columns for each form of each word: position of the word, form, weight, allowed edits."""
    forms = [row for place, word in enumerate(parsed, start=1) for row in _form_rows(place, word)]
    return list(map(list, zip(*forms, strict=True)))


def _form_rows(place: int, word: QueryWord) -> Iterator[tuple[int, str, float, int]]:
    for rank, form in enumerate(word.forms):
        yield place, form, FORM_WEIGHTS[min(rank, 2)], _allowed_edits(form, word)
    for form in word.transpositions:
        yield place, form, TRANSPOSED_WEIGHT, TRANSPOSED


def _allowed_edits(form: str, word: QueryWord) -> int:
    """How many letters may be wrong, missing or extra.

    Phonetic keys are short and similar: none for those of Latin words, few for those of other scripts.
    """
    if len(form) < 3 or (form != word.text and word.text.isascii()):
        return EXACT
    if len(form) < (5 if word.text.isascii() else 6):
        return 0
    return 1 if len(form) < 6 else 2 if len(form) < 8 else 3


async def find_pincode(db: AsyncSession, typed: str) -> Place | None:
    """Find the place that "600036", "600-036", "६०० ०३६", "Adyar", "அடையாறு" or another place name of India means."""
    if pincode := typed_pincode(typed):
        return await _by_pincode(db, pincode)
    if code := PINCODE.search(plain_line(typed[:MAX_QUERY_LENGTH])):
        return await _by_pincode(db, "".join(code.groups()))
    words = normalized_words(typed)[:MAX_PLACE_NAME_WORDS]
    if not words:
        return None
    return _place(await _find_in_town(db, {(0, len(words)): "".join(words)})) or await _find_in_country(
        db, " ".join(words), min_similarity=0.5
    )


async def split_place(db: AsyncSession, q: str) -> tuple[str, Place | None]:
    """Split a query into work and place: "plumber adyar" → "plumber", Adyar. Without a place, all of it is work."""
    q = q[:MAX_QUERY_LENGTH]
    line = plain_line(q)
    if (code := PINCODE.search(line)) and (place := await _by_pincode(db, "".join(code.groups()))):
        return _strip_prepositions(normalized_words(line[: code.start()]) + normalized_words(line[code.end() :])), place
    words = normalized_words(q)[:MAX_PLACE_QUERY_WORDS]
    row = await _find_in_town(db, _word_runs(words))
    # A misspelt place name that is a known search word is that word.
    if row:
        start, end = row["start"], row["start"] + row["count"]
        if row["off"] == 0 or not await _is_known_word(db, words[start:end]):
            return _strip_prepositions(words[:start] + words[end:]), _place(row)
    return await _find_elsewhere(db, words)


async def _find_elsewhere(db: AsyncSession, words: list[str]) -> tuple[str, Place | None]:
    """Find a place out of town after "in" or "near", or if the whole query is no known search word."""
    preposition = next((index for index, word in enumerate(words) if word in PREPOSITIONS and words[index + 1 :]), None)
    name = words[preposition + 1 :] if preposition is not None else words
    if not 0 < len(name) <= MAX_PLACE_NAME_WORDS or (preposition is None and await _is_known_word(db, name)):
        return " ".join(words), None
    place = await _find_in_country(db, " ".join(name), min_similarity=0.8)
    return (
        (" ".join(words[:preposition] if preposition is not None else []), place) if place else (" ".join(words), None)
    )


async def _by_pincode(db: AsyncSession, pincode: str) -> Place | None:
    return _place(await fetch_row(db, FIND_BY_PINCODE, pincode))


async def _find_in_town(db: AsyncSession, runs: dict[tuple[int, int], str]) -> Record | None:
    if not runs:
        return None
    pincodes, names = place_aliases()
    keys = [phonetic_key(run) if not run.isascii() else run for run in runs.values()]
    edits = [0 if len(key) < 5 else 1 if len(key) < 9 else 2 for key in keys]
    starts, counts = [start for start, _ in runs], [count for _, count in runs]
    return await fetch_row(db, FIND_IN_TOWN, starts, counts, keys, edits, pincodes, names)


async def _find_in_country(db: AsyncSession, name: str, *, min_similarity: float) -> Place | None:
    return _place(await fetch_row(db, FIND_IN_COUNTRY, name, min_similarity))


async def _is_known_word(db: AsyncSession, words: list[str]) -> bool:
    return any([await fetch_value(db, IS_KNOWN_WORD, word) for word in words])


def _word_runs(words: list[str]) -> dict[tuple[int, int], str]:
    """Join each run of up to four neighbouring words: (start, count) → "annanagar"."""
    starts = range(len(words))
    spans = [
        (start, count)
        for start in starts
        for count in range(1, MAX_PLACE_NAME_WORDS + 1)
        if start + count <= len(words)
    ]
    return {(start, count): "".join(words[start : start + count]) for start, count in spans}


def _strip_prepositions(words: list[str]) -> str:
    """Join the words without a trailing "in" or "near"."""
    while words and words[-1] in PREPOSITIONS:
        words = words[:-1]
    return " ".join(words)


def _place(row: Record | None) -> Place | None:
    return Place(row["pincode"], row["place"], row["latitude"], row["longitude"]) if row else None


@cache
def place_aliases() -> tuple[str, str]:
    """Read pincodes and as many popular names of them, each one word or a phonetic key; with a space between two."""
    with PLACES_FILE.open(encoding="utf-8", newline="") as file:
        aliases = [
            (row["pincode"], "".join(normalized_words(row["name"]))) for row in csv.DictReader(file, delimiter="\t")
        ]
    names = [name if name.isascii() else phonetic_key(name) for _, name in aliases]
    return " ".join(pincode for pincode, _ in aliases), " ".join(names)
