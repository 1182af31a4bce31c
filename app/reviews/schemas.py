"""What a customer sends as a review."""

from typing import Annotated

from msgspec import Meta, Struct

from app.core.i18n import N_


class NewReview(Struct, kw_only=True):
    rating: Annotated[int, Meta(ge=1, le=5, extra={"error": N_("Choose a rating from 1 to 5 stars.")})]
    comment: Annotated[str, Meta(max_length=2_000, extra={"error": N_("Use 2,000 characters or fewer.")})] = ""
