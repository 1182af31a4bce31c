"""A worker whose network is the test's: `python -m tests.faults.a_worker PORT ADDRESSES`

All of it is Doorstep's own; the world outside alone is here: the room's name leads to what stands in the file
ADDRESSES, read anew each time, and whatever is dialled comes to PORT of this machine. Whom we trust is said by
SSL_CERT_FILE, as on any machine.
"""

import asyncio
import sys
from functools import partial
from pathlib import Path

from app.core.http_client import HttpClient
from app.notifications import http_transport
from app.settings import Settings
from tasks.worker import run


async def resolve(addresses: Path, _host: str, _port: int) -> list[str]:
    return (await asyncio.to_thread(addresses.read_text)).split()


async def dial(port: int, _address: str, _port: int, **options: object):
    return await asyncio.open_connection("127.0.0.1", port, **options)


if __name__ == "__main__":
    outside = HttpClient(partial(resolve, Path(sys.argv[2])), partial(dial, int(sys.argv[1])))
    http_transport._default_http_client = lambda: outside
    run(Settings.from_env())
