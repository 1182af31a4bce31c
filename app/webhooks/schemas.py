"""The form that registers a webhook."""

from typing import Annotated

from msgspec import Meta, Struct

from app.core.i18n import N_

URL_ERROR = N_("Enter an address that starts with https:// and leads to a public server.")


class NewWebhook(Struct):
    url: Annotated[str, Meta(min_length=9, max_length=500, extra={"error": URL_ERROR})]
