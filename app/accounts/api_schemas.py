"""Accounts in the API's JSON."""

from typing import Annotated

from msgspec import Meta, Struct

from app.core.api_types import Body

Id = Annotated[int, Meta(ge=1, description="ID of the account.", examples=[12])]
Email = Annotated[str, Meta(max_length=254, description="Email address.", examples=["lakshmi@example.com"])]
NewPassword = Annotated[
    str, Meta(max_length=200, description="At least 10 characters.", examples=["a long sentence that only you know"])
]
Role = Annotated[
    str,
    Meta(
        description="Type of account: customer, professional or admin.",
        examples=["customer"],
        pattern="^(customer|professional|admin)$",
    ),
]


class LoginBody(Body):
    """Email and password, as on the sign-in page."""

    email: Email
    password: Annotated[
        str, Meta(max_length=200, description="Password.", examples=["a long sentence that only you know"])
    ]


class LoginJson(Struct, kw_only=True):
    """The signed-in account, and the token for further requests."""

    id: Id
    token: Annotated[
        str,
        Meta(
            description="Bearer token. It ends after 14 days without use, after 90 days, when you sign out, "
            "when the password changes or when the account is blocked.",
            examples=["kq3vB9cXh0sVb5cJ1cG8h4a7o1wJ2xRr3mS0pT5uYdE"],  # pragma: allowlist secret
        ),
    ]
    email: Email
    role: Role
    active: Annotated[bool, Meta(description="False while the account is blocked.", examples=[True])]


Request = Annotated[
    str,
    Meta(
        max_length=100,
        description="The secret that the request for the code was answered with. The code works with it only.",
        examples=["kq3vB9cXh0sVb5cJ1cG8h4a7o1wJ2xRr3mS0pT5uYdE"],  # pragma: allowlist secret
    ),
]


class CodeBody(Body):
    """`email` to get a code, then `request` and `code` to sign in with it."""

    email: Email = ""
    request: Request = ""
    code: Annotated[
        str, Meta(max_length=40, description="The 6 digits of the code in the email.", examples=["482917"])
    ] = ""


class CodeSentJson(Struct, kw_only=True):
    """A code was sent to the address, whether it has an account or not."""

    request: Request
    expires_in: Annotated[int, Meta(description="Seconds for which the code works.", examples=[600])]


class WelcomeJson(Struct, kw_only=True):
    """The code was right and the address has no account yet: create it with `POST /api/welcome`, within an hour."""

    email: Email


class WelcomeBody(Body):
    """What a new customer still needs, as on the welcome page."""

    request: Request
    full_name: Annotated[str, Meta(max_length=120, description="Full name.", examples=["Lakshmi Iyer"])]
    phone: Annotated[str, Meta(max_length=40, description="Indian mobile number.", examples=["+91 90000 00000"])]
    address: Annotated[str, Meta(max_length=300, description="House number and street.", examples=["12 Beach Road"])]
    pincode: Annotated[str, Meta(max_length=40, description="6-digit pincode.", examples=["600020"])]


class RegisterBody(Body):
    """A new customer, as on the sign-up page."""

    full_name: Annotated[str, Meta(max_length=120, description="Full name.", examples=["Lakshmi Iyer"])]
    email: Email
    phone: Annotated[str, Meta(max_length=40, description="Indian mobile number.", examples=["+91 90000 00000"])]
    password: NewPassword
    address: Annotated[str, Meta(max_length=300, description="House number and street.", examples=["12 Beach Road"])]
    pincode: Annotated[str, Meta(max_length=40, description="6-digit pincode.", examples=["600020"])]
    invite: Annotated[
        str,
        Meta(
            max_length=20,
            description="Code of a customer's invite link, for credit after the first visit.",
            examples=["0G7B3ZK2"],
        ),
    ] = ""


class RegisteredJson(Struct, kw_only=True):
    """The response is the same whether or not the email address already had an account."""

    email: Email
