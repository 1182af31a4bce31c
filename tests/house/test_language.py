"""The words of the code are the field's: docs/style.md says which, and this is the list that is checked."""

import ast
import io
import keyword
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for folder in ("app", "tasks", "tests", "bench") for path in (ROOT / folder).rglob("*.py"))

# Words that are no part of any identifier, each with what the field says instead.
BANNED = {
    "told": "event, payload, message",
    "tell": "notify, record",
    "asked": "request, params, query",
    "asking": "query, reapplication",
    "said": "message, text",
    "unsaid": "hidden",
    "wish": "request, preferences",
    "crew": "candidates",
    "comer": "assigned professional",
    "deed": "action",
    "purse": "rate limit key",
    "tally": "attempts",
    "parcel": "outbound request",
    "postman": "outbox worker",
    "letter": "message, email, character",
    "paper": "document",
    "desk": "admin",
    "heard": "heartbeat, received",
    "pulse": "poll loop",
    "farewell": "deletion form, end response",
    "shelf": "page cache, categories",
    "apart": "new transaction",
    "surround": "wrap",
    "crossing": "cors",
    "onward": "next url",
    "vault": "encryption",
    "genesis": "initial hash",
    "chronicle": "audited mixin",
    "theirs": "the noun",
    "somebody": "user, person",
    "nobody": "none, the noun",
    "everybody": "all, recipients",
    "whoever": "the noun",
    "outlet": "webhook transport",
    "lying": "active",
    "bond": "outstanding booking",
    "affairs": "impact",
    "hander": "claim",
    "standing": "approval, status",
    "joining": "application",
    "leaving": "account deletion",
    "rearrangement": "schedule change",
    "spoken": "user facing error",
    "manners": "test instruments",
    "mailbag": "batch",
    "sight": "view",
    "plate": "code card",
    "requoted": "repriced",
    "comfort": "fallback",
    "giver": "the noun",
    "taker": "the noun",
    "newcomer": "new user",
    "bygone": "past",
    "yonder": "there",
    "anew": "again",
    "anyhow": "any outcome",
    "wherever": "the noun",
}
# Whole identifiers that say nothing of what they hold.
BANNED_NAMES = {"one", "they", "theirs", "wrong", "no", "mine", "thing", "stuff", "longest", "most", "at_once", "few"}
# Names of contracts: file → identifiers that stay, because a column, a JSON field or a message has this name.
ALLOWED = {
    "app/accounts/ratings.py": {"one"},  # columns one … five of the rating tables
    "app/accounts/names.py": {"first_letter"},  # of the alphabet
    "app/core/person_names.py": {"first_letter", "letter"},  # of the alphabet
    "app/vetting/api_schemas.py": {"standing"},  # field of the JSON API
}


def words_of(identifier: str) -> list[str]:
    """The words of a snake_case or CamelCase identifier, in lower case and in the singular."""
    snake = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", identifier).lower()
    return [word.removesuffix("s") if word.endswith("s") and word[:-1] in BANNED else word for word in snake.split("_")]


def identifiers(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, name) of each identifier, but for attributes and keywords of calls: libraries name those."""
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        is_attribute = before is not None and before.string == "." and before.end == token.start
        is_keyword = after is not None and after.string == "=" and after.start == token.end
        if token.type == tokenize.NAME and not keyword.iskeyword(token.string):
            yield token.start[0], f".{token.string}" if is_attribute or is_keyword else token.string


@cache
def is_banned(name: str) -> bool:
    """Whether a name is a private word. An attribute or keyword (".name") may be a short word or `tell` of a file."""
    if name.startswith("."):
        return name != ".tell" and bool(BANNED.keys() & set(words_of(name[1:])))
    return name.lower().strip("_") in BANNED_NAMES or bool(BANNED.keys() & set(words_of(name)))


def test_identifiers_are_words_of_the_field() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in FILES
        for line, name in identifiers(path.read_text(encoding="utf-8"))
        if is_banned(name) and name.lstrip(".") not in ALLOWED.get(str(path.relative_to(ROOT)), set())
    ]
    assert found == []


def test_a_figure_names_its_subject() -> None:
    """MAX_REASON_LENGTH, PAGE_SIZE, HEARTBEAT_TTL_SECONDS: a number or a time has at least two words."""
    bare = [
        f"{path.relative_to(ROOT)}:{statement.lineno} {target.id}"
        for path in FILES
        for statement in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(statement, ast.Assign) and is_figure(statement.value)
        for target in statement.targets
        if isinstance(target, ast.Name) and target.id.isupper() and "_" not in target.id.strip("_")
    ]
    assert bare == []


def is_figure(value: ast.expr) -> bool:
    """A number, arithmetic of numbers, or a timedelta."""
    if isinstance(value, ast.Constant):
        return type(value.value) in (int, float)
    if isinstance(value, ast.UnaryOp):
        return is_figure(value.operand)
    if isinstance(value, ast.BinOp):
        return is_figure(value.left) and is_figure(value.right)
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "timedelta"


def test_no_banner_divides_a_file() -> None:
    """A lone comment of a few words between two blank lines is a heading: the file wants a noun instead."""
    banners = [
        f"{path.relative_to(ROOT)}:{number} {line}"
        for path in FILES
        for lines in [path.read_text(encoding="utf-8").splitlines()]
        for number, line in enumerate(lines, 1)
        if re.fullmatch(r"\s*#+ ?[\w’' ,-]{1,60}", line) and surrounded_by_blanks(lines, number)
    ]
    assert banners == []


def surrounded_by_blanks(lines: list[str], number: int) -> bool:
    before = lines[number - 2] if number >= 2 else ""
    after = lines[number] if number < len(lines) else ""
    return not before.strip() and not after.strip()
