"""People are found without accents and whatever the quotes; names and addresses are stored in one normal form."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

COMBINING_MARKS = "".join(map(chr, range(0x300, 0x370)))
INVISIBLE = "\u200c\u200d\u00ad\u200b\u200e\u200f\u202a\u202c\u202d\u2060\u2066\u2069\ufeff"
FOLDED = (
    "øØłŁđĐðıħ" + "’‘‛ʼʻʹʾʿ´`′" + "“”„‟″" + "\u2010\u2011\u2012\u2013\u2014\u2015\u2212",
    "oOlLdDdih" + "'" * 11 + '"' * 5 + "-" * 7,
)
SEARCH_FORM = """
CREATE FUNCTION search_form(words text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT replace(replace(replace(replace(replace(
        translate(normalize(replace(words, '´', ''''), NFKD), {before}, {after}),
        'ß', 'ss'), 'æ', 'ae'), 'Æ', 'AE'), 'œ', 'oe'), 'Œ', 'OE')
$$
"""
SEARCHED = "full_name || ' ' || email || ' ' || phone"


def upgrade() -> None:
    before, after = FOLDED[0] + COMBINING_MARKS + INVISIBLE, FOLDED[1].replace("'", "''")
    op.execute(SEARCH_FORM.format(before=f"'{before}'", after=f"'{after}'"))
    op.execute("UPDATE users SET full_name = normalize(full_name, NFC) WHERE full_name IS NOT NFC NORMALIZED")
    op.execute("UPDATE addresses SET line = normalize(line, NFC) WHERE line IS NOT NFC NORMALIZED")
    _replace_column(f"lower(search_form({SEARCHED}))")


def downgrade() -> None:
    _replace_column(f"lower({SEARCHED})")
    op.execute("DROP FUNCTION search_form(text)")


def _replace_column(expression: str) -> None:
    """The indexes fall with the column."""
    op.drop_column("users", "search_text")
    op.add_column("users", sa.Column("search_text", sa.Text(), sa.Computed(expression, persisted=True), nullable=False))
    for name, condition in (
        ("users_search_text_idx", None),
        ("users_professional_search_text_idx", sa.text("role = 'professional'")),
    ):
        op.create_index(
            name,
            "users",
            ["search_text"],
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
            postgresql_where=condition,
        )
