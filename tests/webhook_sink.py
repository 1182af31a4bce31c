"""A third-party HTTPS server with programmable responses, reached through a fake public network."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.core.http_client import HttpClient

HOST, PUBLIC = "chat.example", "93.184.215.14"
URL = f"https://{HOST}/v1/spaces/AAA/messages?key=k&token=t"


@dataclass
class WebhookServer:
    """Sends `answers` in turn, repeating the last one; None never answers."""

    answers: list[bytes | None] = field(default_factory=lambda: [http_response(200)])
    requests: list[bytes] = field(default_factory=list)
    connections: list[str] = field(default_factory=list)
    resolved_hosts: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=lambda: [PUBLIC])
    trust: ssl.SSLContext | None = None
    port: int = 0

    def client(self) -> HttpClient:
        """Return an HTTP client for which the host has a public address that leads to this server."""
        return HttpClient(self.resolve, self.connect, self.trust)

    async def resolve(self, host: str, _port: int) -> list[str]:
        self.resolved_hosts.append(host)
        return self.addresses

    async def connect(self, address: str, _port: int, **options: Any):
        self.connections.append(address)
        return await asyncio.open_connection("127.0.0.1", self.port, **options)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        self.requests.append(head + await reader.readexactly(length))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
        writer.close()


def http_response(status: int, *lines: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} Said", *lines, "Content-Length: 2", "", "{}"]).encode()


@asynccontextmanager
async def webhook_server(folder: Path, name: str = HOST) -> AsyncIterator[WebhookServer]:
    """Run a server with a certificate for `name`."""
    sink, (server_context, client_context) = WebhookServer(), _certificate(folder, name)
    sink.trust = client_context
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0, ssl=server_context)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()


def _certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return TLS contexts for the server and for its clients."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    key_format = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / f"{name}.pem"
    file.write_bytes(key.private_bytes(*key_format) + pem)
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(file)
    return server_context, ssl.create_default_context(cadata=pem.decode())
