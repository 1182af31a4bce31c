"""The bare framework: Litestar and our server returning prepared bytes. `python -m bench.bare PORT name=bytes …`"""

import os
import sys

from litestar import Litestar, Response, get
from litestar.handlers import HTTPRouteHandler

from app.web.server import serve


def handler_of(name: str, size: int) -> HTTPRouteHandler:
    body = os.urandom(size)

    @get(f"/{name}", name=name)
    async def respond() -> Response[bytes]:
        return Response(body, media_type="text/html")

    return respond


def main(port: str, *pages: str) -> None:
    sized = (page.split("=") for page in pages)
    serve(Litestar([handler_of(name, int(size)) for name, size in sized], openapi_config=None), "127.0.0.1", int(port))


if __name__ == "__main__":
    main(*sys.argv[1:])
