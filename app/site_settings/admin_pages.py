"""/admin/settings: how people reach Doorstep. What is saved there wins over the environment."""

from collections.abc import Mapping

from litestar import Controller, get, post
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core.i18n import _
from app.core.references import parse_row_id
from app.settings import Settings
from app.site_settings.changes import SettingsChanged, save_settings
from app.site_settings.contacts import default_contacts
from app.site_settings.repository import SavedSettings
from app.site_settings.schemas import MAX_HOURS_LENGTH, read_settings, setting_labels
from app.site_settings.setting import NAMES
from app.web.actions import Rejection, submit
from app.web.admin import admin_page
from app.web.forms import parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.validation import validate_with

PATH = "/admin/settings"


class SettingAdminPages(Controller):
    path = PATH
    opt = only("admin", right="money")

    @get(name="admin-settings")
    async def show(
        self, request: Request, db: NamedDependency[AsyncSession], settings: NamedDependency[Settings]
    ) -> HtmlResponse:
        version = await SavedSettings(db).version()
        values = await SavedSettings(db).values() | {"seen": str(version)}
        return await _render(request, db, settings, values)

    @post(opt=only("admin", fresh=True, right="money"))
    async def save(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def save() -> list[str]:
            typed, version = validate_with(read_settings, form), parse_row_id(form.get("seen", "")) or 0
            return await save_settings(db, me, typed, version)

        return await submit(
            request,
            save,
            form=form,
            on_error=lambda rejection: _render(request, db, settings, merge_changes(rejection), rejection),
            then=PATH,
            message=lambda changed: _("Saved. Every page shows it now.") if changed else _("Nothing was changed."),
        )


def merge_changes(rejection: Rejection) -> dict[str, str]:
    """What was typed; after SettingsChanged, another admin's values of the settings that only they changed."""
    if not isinstance(rejection.error, SettingsChanged):
        return rejection.values
    saved_by_other = {
        conflict.name: conflict.after
        for conflict in rejection.error.conflicts
        if rejection.values.get(conflict.name, "").strip() == conflict.before
    }
    return {**rejection.values, **saved_by_other, "seen": str(rejection.error.version)}


async def _render(
    request: Request,
    db: AsyncSession,
    settings: Settings,
    values: Mapping[str, str],
    rejection: Rejection | None = None,
) -> HtmlResponse:
    labels = setting_labels()
    error = rejection.error if rejection else None
    return await admin_page(
        request,
        db,
        "site_settings/settings.html",
        status=rejection.status if rejection else 200,
        values={name: values.get(name, "") for name in (*NAMES, "seen")},
        errors=rejection.errors if rejection else {},
        refusal=rejection.refusal if rejection else None,
        conflicts=[
            {
                "field": conflict.name,
                "label": labels[conflict.name],
                "who": conflict.changed_by or _("Another admin"),
                "was": conflict.before or _("nothing"),
                "now": conflict.after or _("nothing"),
            }
            for conflict in (error.conflicts if isinstance(error, SettingsChanged) else ())
        ],
        labels=labels,
        defaults=default_contacts(settings),
        default_names={"legal_name": settings.legal_name or "Doorstep", "gstin": settings.gstin or ""},
        max_hours_length=MAX_HOURS_LENGTH,
    )
