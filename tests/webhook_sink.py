"""Somebody else's HTTPS server whose answers are programmable, and the way to it that looks like the open network."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.core.http_client import Outside

HOST, PUBLIC = "chat.example", "93.184.215.14"
URL = f"https://{HOST}/v1/spaces/AAA/messages?key=k&token=t"


@dataclass
class Webhook:
    """`answers` are sent one after another, the last one again and again; None hangs."""

    answers: list[bytes | None] = field(default_factory=lambda: [said(200)])
    heard: list[bytes] = field(default_factory=list)
    dialled: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=lambda: [PUBLIC])
    trust: ssl.SSLContext | None = None
    port: int = 0

    def outside(self) -> Outside:
        """Its name leads to a public address, and that address here."""
        return Outside(self.resolve, self.dial, self.trust)

    async def resolve(self, host: str, _port: int) -> list[str]:
        self.asked.append(host)
        return self.addresses

    async def dial(self, address: str, _port: int, **options: object):
        self.dialled.append(address)
        return await asyncio.open_connection("127.0.0.1", self.port, **options)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        self.heard.append(head + await reader.readexactly(length))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
        writer.close()


def said(status: int, *lines: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} Said", *lines, "Content-Length: 2", "", "{}"]).encode()


@asynccontextmanager
async def webhook(folder: Path, name: str = HOST) -> AsyncIterator[Webhook]:
    """Its certificate is for `name`."""
    sink, (served, sink_trust) = Webhook(), _certificate(folder, name)
    sink.trust = sink_trust
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0, ssl=served)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()


def _certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For the server, and for whoever trusts it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    whose = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder(whose, whose, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / f"{name}.pem"
    file.write_bytes(key.private_bytes(*private) + pem)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(file)
    return served, ssl.create_default_context(cadata=pem.decode())
