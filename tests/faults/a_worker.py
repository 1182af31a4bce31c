"""Run a real worker with a fake network: `python -m tests.faults.a_worker PORT ADDRESSES`

Every host name resolves to the addresses in the file ADDRESSES, read again each time, and every connection goes to
PORT of this machine. SSL_CERT_FILE names the trusted certificates.
"""

import asyncio
import sys
from functools import partial
from pathlib import Path
from typing import Any

from app.core.http_client import HttpClient
from app.notifications import http_transport
from app.settings import Settings
from tasks.worker import run


async def resolve(addresses: Path, _host: str, _port: int) -> list[str]:
    return (await asyncio.to_thread(addresses.read_text)).split()


async def dial(port: int, _address: str, _port: int, **options: Any):
    return await asyncio.open_connection("127.0.0.1", port, **options)


if __name__ == "__main__":
    outside = HttpClient(partial(resolve, Path(sys.argv[2])), partial(dial, int(sys.argv[1])))
    http_transport._default_http_client = lambda: outside  # type: ignore[assignment]
    run(Settings.from_env())
