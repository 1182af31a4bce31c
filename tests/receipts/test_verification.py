"""/receipts/verify: valid, altered or unknown, without an account, whatever is sent."""

import base64
import hashlib
import hmac
import json
import re

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.jwk import KeySet, OKPKey

from app.core.signing import SigningKey, canonical_json, encode
from app.receipts.pages import VERIFICATION_LIMIT
from app.receipts.verification import MAX_RECEIPT_BYTES, verify_receipt
from tests.person import Page

KEYS = "/.well-known/doorstep-keys.json"
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493  # of the group in which Ed25519 signs


async def verdict(visitor, receipt: str) -> str:
    page = await visitor.post_fields("/receipts/verify", {"receipt": receipt})
    assert page.status == 200, page.text
    return page.data["verification"]


def b64(value: object) -> str:
    return encode(value if isinstance(value, bytes) else json.dumps(value).encode())


async def test_a_receipt_is_valid_and_the_page_says_what_it_says(handover, visitor):
    page = await visitor.submit(await visitor.visit("/receipts/verify"), "/receipts/verify", receipt=handover.receipt)
    assert (page.status, page.data["verification"]) == (200, "valid")
    assert handover.reference in page.text
    assert handover.document["payload"]["service"]["name"] in page.text
    for private in (handover.scene.asha.full_name, handover.scene.ravi.full_name, handover.scene.asha.email):
        assert private not in page.text


async def test_the_file_as_it_was_downloaded_is_valid(handover, visitor):
    assert await verdict(visitor, f"\n {json.dumps(handover.document, indent=2)} \n") == "valid"
    token = await visitor.token()
    for name in ("file", "receipt"):
        answer = await visitor.post(
            "/receipts/verify",
            data={"_csrf_token": token},
            files={name: ("handover.json", json.dumps(handover.document).encode(), "application/json")},
        )
        assert Page(answer).data["verification"] == "valid"


async def test_a_file_whose_payload_says_something_else_is_altered(handover, visitor):
    document = json.loads(json.dumps(handover.document))
    document["payload"]["price"]["total_paise"] += 1
    assert await verdict(visitor, json.dumps(document)) == "altered"


async def test_every_single_bit_counts(handover, visitor, app_database, app_encryption):
    """A sample through the page; every bit of every part of the receipt, encoded again, by the function."""
    raw = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in handover.parts]
    verdicts = set()
    async with app_database.reading() as db:
        for part, data in enumerate(raw):
            for bit in range(len(data) * 8):
                changed = bytearray(data)
                changed[bit // 8] ^= 1 << bit % 8
                parts = [*handover.parts[:part], encode(bytes(changed)), *handover.parts[part + 1 :]]
                verdicts.add((await verify_receipt(db, app_encryption, ".".join(parts))).verdict)
    assert verdicts == {"altered"}
    text = handover.receipt
    for place in range(0, len(text), 97):
        assert await verdict(visitor, text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]) == "altered"


async def test_every_character_counts(handover, app_database, app_encryption):
    text = handover.receipt
    async with app_database.reading() as db:
        for place, character in enumerate(text):
            for other in {"A", "_", ".", "="} - {character}:
                changed = text[:place] + other + text[place + 1 :]
                found = await verify_receipt(db, app_encryption, changed)
                assert found.verdict == "altered", (place, other)
                assert found.payload is None


async def test_what_another_key_signed_is_unknown(handover, visitor):
    payload = canonical_json(handover.document["payload"])
    assert await verdict(visitor, SigningKey(b"x" * 32).sign(payload)) == "unknown"
    other = OKPKey.generate_key("Ed25519")
    for header in ({"alg": "EdDSA"}, {"alg": "EdDSA", "kid": "mine"}):
        assert await verdict(visitor, jws.serialize_compact(header, payload, other, algorithms=["EdDSA"])) == "unknown"


async def test_another_key_under_our_name_is_altered(handover, visitor):
    head, payload, _signature = handover.parts
    forged = Ed25519PrivateKey.generate().sign(f"{head}.{payload}".encode())
    assert await verdict(visitor, f"{head}.{payload}.{encode(forged)}") == "altered"


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "ES256", "Ed448", "", None, 7, ["EdDSA"]])
async def test_no_other_algorithm_is_believed(handover, visitor, algorithm):
    _head, payload, signature = handover.parts
    key_id = json.loads(base64.urlsafe_b64decode(handover.parts[0] + "=="))["kid"]
    head = b64({"alg": algorithm, "kid": key_id})
    for end in (signature, "", "AAAA"):
        assert await verdict(visitor, f"{head}.{payload}.{end}") == "altered"
    for header in ({"alg": algorithm}, {"alg": algorithm, "kid": "x"}):
        assert await verdict(visitor, f"{b64(header)}.{payload}.") == "unknown"


async def test_a_public_key_is_no_shared_secret(handover, visitor):
    keys = (await visitor.get(KEYS)).json()["keys"]
    head = b64({"alg": "HS256", "kid": keys[0]["kid"]})
    signed = f"{head}.{handover.parts[1]}"
    secret = base64.urlsafe_b64decode(keys[0]["x"] + "=")
    mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    assert await verdict(visitor, f"{signed}.{encode(mac)}") == "altered"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda head, payload, signature: f"{head}=.{payload}.{signature}",
        lambda head, payload, signature: f"{head}.{payload}=.{signature}",
        lambda head, payload, signature: f"{head}.{payload}.{signature}==",
        lambda head, payload, signature: f"{head}.{payload}.{_sibling(signature)}",
        lambda head, payload, signature: f"{head}.{payload}.{signature.replace('-', '+').replace('_', '/')}~",
        lambda head, payload, signature: f"{head}.{payload}\n.{signature}",
        lambda head, payload, signature: f"{head}.{payload}.{signature}.",
        lambda head, payload, signature: f"{head}.{payload}.{_larger(signature)}",
    ],
)
async def test_only_one_spelling_is_valid(handover, visitor, spoil):
    spoiled = spoil(*handover.parts)
    assert spoiled != handover.receipt
    assert await verdict(visitor, spoiled) == "altered"


def _sibling(signature: str) -> str:
    """Another last character that decodes to the same bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"  # pragma: allowlist secret
    return signature[:-1] + alphabet[alphabet.index(signature[-1]) ^ 1]


def _larger(signature: str) -> str:
    """The same signature with the order of the group added: valid for careless libraries."""
    raw = base64.urlsafe_b64decode(signature + "==")
    number = int.from_bytes(raw[32:], "little") + GROUP_ORDER
    return encode(raw[:32] + number.to_bytes(32, "little"))


NESTED = "[" * 50_000
DEEP_OBJECT = '{"receipt":' * 9_000


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "..",
        "a.b.c",
        "{}",
        '{"receipt": 7}',
        '{"receipt": null, "payload": {}}',
        '{"receipt": ["a"]}',
        '{"receipt": "a.b.c", "payload": ' + NESTED,
        DEEP_OBJECT,
        f"{encode(NESTED.encode())}.e30.AAAA",
        encode(b'{"alg":"EdDSA","kid":"' + b"9" * 5000 + b'"}') + ".e30.AAAA",
        encode(b'{"kid":' + b"9" * 700 + b"}") + ".e30.AAAA",
        "🧾" * 100,
        "' OR 1=1 --",
        "<script>alert(1)</script>",
        "ரசீது",
        '{"receipt": "\\ud800", "payload": "\\ud800"}',
        "x" * MAX_RECEIPT_BYTES,
        "." * MAX_RECEIPT_BYTES,
        "eyJhbGciOiJub25lIn0.e30.",  # pragma: allowlist secret
        "AAAAAAAAAAAAAAAAAAAAAA",
    ],
)
async def test_whatever_else_is_unknown_and_not_repeated(visitor, text):
    page = await visitor.post_fields("/receipts/verify", {"receipt": text})
    assert (page.status, page.data["verification"]) == (200, "unknown")
    assert "<script>alert" not in page.text
    assert len(page.text) < 30_000


async def test_empty_and_large_forms_are_refused(visitor):
    assert (await visitor.post_fields("/receipts/verify", {"receipt": " "})).status == 422
    assert (await visitor.post_fields("/receipts/verify", {})).status == 422
    assert (await visitor.post_fields("/receipts/verify", {"receipt": "x" * (MAX_RECEIPT_BYTES + 1)})).status == 422
    twice = [("receipt", "a"), ("receipt", "b"), ("_csrf_token", await visitor.token())]
    body = "&".join(f"{name}={value}" for name, value in twice)
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert (await visitor.post("/receipts/verify", content=body, headers=headers)).status_code == 422


async def test_ten_megabytes_are_refused(visitor):
    token = await visitor.token()
    data = b"x" * 10_000_000
    assert (await visitor.post("/receipts/verify", data={"_csrf_token": token, "receipt": data})).status_code == 413
    file = {"file": ("handover.json", data)}
    assert (await visitor.post("/receipts/verify", data={"_csrf_token": token}, files=file)).status_code == 413
    large = {"file": ("handover.json", b"x" * 150_000)}
    assert (await visitor.post("/receipts/verify", data={"_csrf_token": token}, files=large)).status_code == 422


async def test_a_link_with_the_receipt_in_it_answers_too(handover, visitor):
    page = await visitor.visit(f"/receipts/verify?receipt={handover.receipt}")
    assert page.data["verification"] == "valid"
    assert page.response.headers["cache-control"] == "no-store"
    assert "verification" not in (await visitor.visit("/receipts/verify")).data


async def test_the_code_of_a_printed_page_leads_to_its_verification(handover, visitor):
    page = await handover.asha.visit(f"/bookings/{handover.reference}/receipt")
    links = [link for link in page.links if link.startswith("/receipts/verify?receipt=")]
    assert len(links) == 1
    assert page.text.count("<svg") >= 1
    assert "style=" not in re.search(r'<svg[^>]*class="segno".*?</svg>', page.text, re.DOTALL)[0]
    opened = await visitor.visit(links[0])
    assert opened.data["verification"] == "valid"
    assert handover.reference in opened.text
    assert (await visitor.visit(links[0][:-2] + "zz")).data["verification"] == "unknown"


async def test_the_keys_are_public_and_another_library_verifies(handover, visitor):
    answer = await visitor.get(KEYS)
    assert "max-age=3600" in answer.headers["cache-control"]
    document = answer.json()
    for key in document["keys"]:
        assert (key["kty"], key["crv"], set(key)) == ("OKP", "Ed25519", {"kty", "crv", "x", "kid", "alg", "use"})
        assert key["kid"] == OKPKey.import_key(key).thumbprint()
    verified = jws.deserialize_compact(handover.receipt, KeySet.import_key_set(document), algorithms=["EdDSA"])
    assert json.loads(verified.payload) == handover.document["payload"]
    assert verified.headers()["alg"] == "EdDSA"


async def test_many_in_a_minute_have_to_wait(visitor):
    statuses = [(await visitor.get("/receipts/verify?receipt=x")).status_code for _ in range(VERIFICATION_LIMIT.limit)]
    assert set(statuses) == {200}
    page = await visitor.visit("/receipts/verify?receipt=x")
    assert page.status == 429
    assert int(page.response.headers["retry-after"]) <= 60
    typed = await visitor.submit(page, "/receipts/verify", receipt="what was pasted")
    assert (typed.status, ">what was pasted</textarea>" in typed.text) == (429, True)
    assert (await visitor.visit("/receipts/verify")).status == 200
