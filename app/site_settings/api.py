"""JSON API: how people reach Doorstep, and the settings for admins."""

from typing import Annotated, Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from msgspec import UNSET, Meta, Struct, UnsetType, structs
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core import cache_tags
from app.core.api_types import Body
from app.settings import Settings
from app.site_settings.changes import save_settings
from app.site_settings.contacts import default_contacts, load_contacts
from app.site_settings.repository import SavedSettings
from app.site_settings.schemas import read_settings
from app.site_settings.setting import NAMES
from app.web.api import cacheable_json, json_response, read_body
from app.web.guards import everyone, only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

TAG = "Help"
HELP_MAX_AGE_SECONDS = 60
Version = Annotated[int, Meta(ge=0, le=2**63 - 1, description="Greater after every change.", examples=[4711])]
Text = Annotated[str, Meta(max_length=300)]
Email = Annotated[
    Text, Meta(description="Email address; empty: that of the environment.", examples=["help@site.example"])
]
Phone = Annotated[
    Text, Meta(description="Indian number; empty: that of the environment.", examples=["+91 98400 12345"])
]
Name = Annotated[Text, Meta(description="Name of the grievance officer; needs an email.", examples=["Meena Iyer"])]
Hours = Annotated[
    Text, Meta(description="When the grievance officer can be reached.", examples=["Mon to Fri, 10 am to 6 pm"])
]
LegalName = Annotated[
    Text, Meta(description="Doorstep's name on invoices; empty: that of the environment.", examples=["Site Pvt Ltd"])
]
Gstin = Annotated[
    Text, Meta(description="Doorstep's GSTIN; empty: that of the environment.", examples=["33AAAAA0000A1Z9"])
]


class OfficerJson(Struct, kw_only=True):
    """Whom to write to when a complaint was not settled."""

    name: Annotated[str, Meta(description="Name.", examples=["Meena Iyer"])]
    email: Annotated[str, Meta(description="Email address.", examples=["grievance@site.example"])]
    hours: Annotated[str, Meta(description="Hours; may be empty.", examples=["Mon to Fri, 10 am to 6 pm"])]


class HelpJson(Struct, kw_only=True):
    """How to reach Doorstep; null for what there is not."""

    email: Annotated[str | None, Meta(description="Email address of support.", examples=["help@site.example", None])]
    phone: Annotated[str | None, Meta(description="Phone of support, in E.164.", examples=["+919840012345", None])]
    whatsapp: Annotated[str | None, Meta(description="Number on WhatsApp, in E.164.", examples=["+919840012345", None])]
    grievance_officer: Annotated[OfficerJson | None, Meta(description="The grievance officer.", examples=[None])]


class SettingsJson(Struct, kw_only=True):
    """What admins saved; empty where the environment's value is shown."""

    support_email: Email
    support_phone: Phone
    support_whatsapp: Phone
    grievance_name: Name
    grievance_email: Email
    grievance_hours: Hours
    legal_name: LegalName
    gstin: Gstin
    seen: Version


class SettingsBody(Body):
    """The settings to save; what is left out stays as it is."""

    support_email: Email | UnsetType = UNSET
    support_phone: Phone | UnsetType = UNSET
    support_whatsapp: Phone | UnsetType = UNSET
    grievance_name: Name | UnsetType = UNSET
    grievance_email: Email | UnsetType = UNSET
    grievance_hours: Hours | UnsetType = UNSET
    legal_name: LegalName | UnsetType = UNSET
    gstin: Gstin | UnsetType = UNSET
    seen: Version | UnsetType = UNSET


HELP = Doc(summary="Get how to reach Doorstep", tag=TAG, responses={200: HelpJson})
SHOW = Doc(summary="Get the settings of the site", tag=TAG, responses={200: SettingsJson})
SAVE = Doc(
    summary="Save settings of the site; with `seen`, another admin's changes since then are refused",
    tag=TAG,
    body=SettingsBody,
    responses={200: SettingsJson},
    error_statuses=(409,),
)


class HelpApi(Controller):
    path = "/api/help"

    @get(name="api_help", opt=everyone(api=True, doc=HELP))
    async def show(
        self, request: Request, db: NamedDependency[AsyncSession], settings: NamedDependency[Settings]
    ) -> JsonResponse:
        contacts = await load_contacts(db, default_contacts(settings))
        officer = OfficerJson(**contacts.officer._asdict()) if contacts.officer else None
        data = HelpJson(
            email=contacts.email or None,
            phone=contacts.phone or None,
            whatsapp=contacts.whatsapp or None,
            grievance_officer=officer,
        )
        return cacheable_json(request, data, max_age=HELP_MAX_AGE_SECONDS, tags=(cache_tags.CONTACTS,))


class SettingApi(Controller):
    path = "/api/admin/settings"
    opt = only("admin", api=True, right="money")

    @get(name="api_settings", opt={"doc": SHOW})
    async def show(self, db: NamedDependency[AsyncSession]) -> JsonResponse:
        return json_response(await _settings(db))

    @post(name="api_save_settings", status_code=200, opt=only("admin", api=True, fresh=True, right="money", doc=SAVE))
    async def save(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> JsonResponse:
        body = await read_body(request, SettingsBody)
        sent: dict[str, Any] = {name: value for name, value in structs.asdict(body).items() if value is not UNSET}
        version = sent.pop("seen", None)
        await save_settings(db, me, read_settings(sent), version)
        return json_response(await _settings(db))


async def _settings(db: AsyncSession) -> SettingsJson:
    saved = SavedSettings(db)
    version = await saved.version()
    values = await saved.values()
    return SettingsJson(**{name: values.get(name, "") for name in NAMES}, seen=version)
