"""The request that handlers take and the responses that they return."""

from typing import Any

import litestar

Request = litestar.Request[Any, Any, Any]
HtmlResponse = litestar.Response[bytes]
JsonResponse = litestar.Response[bytes]
