"""Where encrypted values are stored, declared by each room, so that `doorstep rekey` finds all of them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EncryptedColumn:
    """Encrypted values of a table with an integer `id`, as SQL of its row `t`; empty ones are NULL.

    `holds` names the columns or JSON fields that are moved ("codes.encrypted_code"). `value` is the encrypted value,
    `context` what it was encrypted for, `assignment` how moved.value, and moved.digest of the text, are written.
    """

    label: str
    holds: tuple[str, ...]
    table: str
    value: str
    context: str
    assignment: str
    join: str = ""


def encrypted_column(label: str, table: str, column: str, context: str) -> EncryptedColumn:
    """A bytea column."""
    return EncryptedColumn(label, (f"{table}.{column}",), table, f"t.{column}", context, f"{column} = moved.value")


def encrypted_json(label: str, table: str, field: str, context: str) -> EncryptedColumn:
    """A field of the JSON column `data`, in base64."""
    text = "translate(encode(moved.value, 'base64'), E'\\n', '')"
    return EncryptedColumn(
        label,
        (f"{table}.data.{field}",),
        table,
        f"decode(t.data ->> '{field}', 'base64')",
        context,
        f"data = jsonb_set(t.data, '{{{field}}}', to_jsonb({text}))",
    )
