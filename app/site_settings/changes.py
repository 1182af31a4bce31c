"""Save the settings, by an admin; of two changes at the same moment one is first (docs/decisions/0016)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.errors import Refused
from app.core.events import Person
from app.core.i18n import _
from app.site_settings.repository import SavedSettings
from app.site_settings.schemas import check_officer
from app.site_settings.setting import NAMES, Setting


@dataclass(frozen=True, slots=True)
class SettingConflict:
    """A setting that another admin changed after the form was rendered: its value then and now."""

    name: str
    before: str
    after: str
    changed_by: str | None


class SettingsChanged(Refused):
    """Another admin saved other values after the form was rendered; `version` is the present one."""

    def __init__(self, conflicts: Sequence[SettingConflict], version: int) -> None:
        message = _("This was changed while you were editing. Nothing you entered is lost.")
        super().__init__(message, reason="changed")
        self.conflicts = list(conflicts)
        self.version = version


async def save_settings(
    db: AsyncSession, by: Person, typed: Mapping[str, str], version: int | None = None
) -> list[str]:
    """Save the settings in `typed`, as read_settings returns them; the others stay. Return the names that changed.

    `version` is that of the form; None overwrites whatever was saved meanwhile. Raises SettingsChanged, and Invalid
    for a grievance officer without name or email.
    """
    repository = SavedSettings(db)
    saved = await repository.lock()
    current = {name: saved[name].value if name in saved else "" for name in NAMES}
    if version is not None and (conflicts := await _conflicts(repository, version, current, typed)):
        raise SettingsChanged(conflicts, await repository.version())
    check_officer({**current, **typed})
    changed = [name for name in typed if typed[name] != current[name]]
    for name in changed:
        setting = saved.get(name) or Setting(name=name)
        setting.value, setting.changed_at, setting.changed_by_id = typed[name], clock.now(), by.id
        db.add(setting)
        setting.record(
            "setting.changed",
            by=by,
            personal={f"before.{name}": current[name], f"after.{name}": typed[name]},
        )
    await db.flush()
    return changed


async def _conflicts(
    repository: SavedSettings, version: int, current: Mapping[str, str], typed: Mapping[str, str]
) -> list[SettingConflict]:
    """The typed settings that others changed since `version`, and that now have another value than the typed one."""
    conflicts: dict[str, SettingConflict] = {}
    for change in await repository.changes_since(version):
        name = change.field.partition(".")[2]
        before = conflicts[name].before if name in conflicts else change.before
        conflicts[name] = SettingConflict(name, before, current[name], change.who)
    return [
        conflict
        for name, conflict in conflicts.items()
        if name in typed and conflict.before != conflict.after != typed[name]
    ]
