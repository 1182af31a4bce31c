"""Rows that break one constraint: what each table wants, as SQL, and statements that write it differently."""

B = "UPDATE bookings SET {} WHERE reference = '{{{}}}'"
SAME = "INSERT INTO {0} ({1}) SELECT {1} FROM {0} LIMIT 1"
SAME_PHOTO = (
    "INSERT INTO photos (uploader_id, width, height, bytes, {1}, position, stored_as)"
    " SELECT uploader_id, width, height, bytes, {0} FROM photos WHERE {1} IS NOT NULL LIMIT 1"
)
ENTRY = "INSERT INTO ledger_entries (transaction_id, account, person_id, amount) SELECT {} FROM ledger_entries LIMIT 1"
RECEIPT = (
    "INSERT INTO handover_receipts (booking_id, key_id, receipt, digest, issued_at)"
    " SELECT {}, {}, {}, {}, now() FROM handover_receipts LIMIT 1"
)
TRANSACTION = (
    "INSERT INTO ledger_transactions (booking_id, charge_id, kind, at) SELECT {} FROM ledger_transactions LIMIT 1"
)


DOCUMENT = {
    "professional_id": "user_id",
    "kind": "'identity'",
    "state": "'submitted'",
    "name": "'card.pdf'",
    "media_type": "'application/pdf'",
    "size": "1000",
    "pages": "1",
    "sha256": "sha256('x')",
    "uploaded_at": "now()",
    "decided_at": "NULL::timestamptz",
    "decided_by_id": "NULL::bigint",
    "stored_as": "NULL",
}
CASE = {
    "professional_id": "user_id",
    "kind": "'joining'",
    "state": "'open'",
    "message": "''",
    "submitted_at": "now()",
    "decided_at": "NULL::timestamptz",
    "decided_by_id": "NULL::bigint",
}


DEVICE_TOKEN = {
    "digest": "sha256('x')",
    "user_id": "user_id",
    "created_at": "now()",
    "last_used_at": "now()",
    "expires_at": "now() + interval '90 days'",
}
SIGN_IN_CODE = {
    "email": "user_id || '@example.com'",
    "browser": "sha256('browser')",
    "user_id": "user_id",
    "digest": "sha256('x')",
    "created_at": "now()",
    "expires_at": "now() + interval '10 minutes'",
}
SAVED_METHOD = {
    "customer_id": "user_id",
    "method": "'card'",
    "brand": "'Visa'",
    "last4": "'4242'",
    "expires_on": "now()",
    "encrypted_token": "'x'",
    "created_at": "now()",
    "used_at": "now()",
}
UPI_METHOD = {name: value for name, value in SAVED_METHOD.items() if name not in ("brand", "last4", "expires_on")} | {
    "method": "'upi'",
    "masked_id": "'as…@bank'",
}
EXPORT = {
    "reference": "lpad(user_id::text, 8, 'X')",
    "requested_by_id": "user_id",
    "kind": "'bookings'",
    "filters": "'{{}}'::jsonb",
    "state": "'queued'",
    "rows_done": "0",
    "stored_as": "NULL",
    "created_at": "now()",
}

SETTING = {
    "name": "'support_phone'",
    "value": "'+919840012345'",
    "changed_at": "now()",
    "changed_by_id": "user_id",
}
APPEAL = {
    "block_id": "(SELECT min(id) FROM blocks WHERE id NOT IN (SELECT block_id FROM appeals))",
    "message": "'x'",
    "created_at": "now()",
    "decided_at": "NULL::timestamptz",
    "outcome": "NULL",
    "reason": "NULL",
}
TAX_IDENTITY = {"user_id": "user_id", "gstin": "''", "business_name": "'Ravi Plumbing'"}
TAX_RATE = {
    "supply": "'service'",
    "category_id": "NULL::bigint",
    "valid_from": "'2026-04-01'::date",
    "form": "'9(5)'",
    "rate": "1800",
    "sac": "'998719'",
    "created_at": "now()",
    "created_by_id": "user_id",
}
INVOICE = {
    "number": "'X/' || t.id",
    "series": "'X'",
    "year": "'2627'",
    "sequence": "t.id",
    "kind": "'invoice'",
    "booking_id": "t.booking_id",
    "person_id": "(SELECT min(id) FROM users)",
    "corrects_id": "NULL::bigint",
    "transaction_id": "t.id",
    "transaction_ids": "ARRAY[t.id]",
    "issued_at": "now()",
    "total": "100",
    "taxable": "100",
    "tax": "0",
    "content": "'[]'::jsonb",
}
TIP = {
    "booking_id": "(SELECT id FROM bookings WHERE reference = '{completed}')",
    "customer_id": "user_id",
    "professional_id": "user_id",
    "amount": "100",
    "state": "'unpaid'",
    "method": "NULL",
    "last4": "NULL",
    "created_at": "now()",
}
BANK_ACCOUNT = {
    "professional_id": "user_id",
    "kind": "'bank'",
    "holder": "'x'",
    "ifsc": "'SBIN0000300'",
    "encrypted_number": "'x'",
    "masked": "'…7890'",
    "set_at": "now()",
    "effective_at": "now()",
    "ended_at": "now()",
}
QUESTION = {"service_id": "(SELECT min(id) FROM services)", "position": "8", "question": "'x'", "answer": "'x'"}


def made(table: str, row: dict[str, str], **differently: str) -> str:
    """Insert a row for every professional, valid but for the given columns."""
    whole = row | differently
    return f"INSERT INTO {table} ({', '.join(whole)}) SELECT {', '.join(whole.values())} FROM professionals"


def invoice(**differently: str) -> str:
    """Insert an invoice for every authorisation, which has none, valid but for the given columns."""
    whole = INVOICE | differently
    return (
        f"INSERT INTO invoices ({', '.join(whole)}) SELECT {', '.join(whole.values())}"
        " FROM ledger_transactions t WHERE t.kind = 'authorise'"
    )


def document(**differently: str) -> str:
    return made("documents", DOCUMENT, **differently)


def export(**differently: str) -> str:
    return made("exports", EXPORT, **differently)


def case(**differently: str) -> str:
    return made("verifications", CASE, **differently)


def booking(changes: str, which: str = "assigned") -> str:
    return B.format(changes, which)
