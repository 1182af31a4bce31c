"""The request that handlers take and the responses that they return."""

import litestar
from litestar_htmx import HTMXRequest

# main.py installs HTMXPlugin, which makes every request one: `request.htmx` reads the HX-* headers.
Request = HTMXRequest
HtmlResponse = litestar.Response[bytes]
JsonResponse = litestar.Response[bytes]
