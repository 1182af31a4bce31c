"""Personal data of this room: messages, notifications and preferences."""

from app.core.personal_data import DELETE_MESSAGES, OwnDataSection, PersonalData

OWN_DATA = (
    OwnDataSection(
        "mails",
        "SELECT kind AS about, data ->> 'booking' AS booking, address, created_at AS written_at, sent_at FROM outbox"
        " WHERE recipient_id = :me ORDER BY id",
    ),
    OwnDataSection(
        "notices",
        "SELECT kind AS about, data ->> 'booking' AS booking, created_at, read_at FROM inbox_items WHERE user_id = :me"
        " ORDER BY id",
    ),
    OwnDataSection(
        "what_you_do_not_want_to_hear",
        "SELECT topic, channel FROM muted_topics WHERE user_id = :me ORDER BY topic, channel",
    ),
    OwnDataSection(
        "quiet_hours",
        "SELECT to_char(make_interval(mins => since), 'HH24:MI') AS since,"
        " to_char(make_interval(mins => until), 'HH24:MI') AS until FROM quiet_hours WHERE user_id = :me",
    ),
)
ERASE = (
    DELETE_MESSAGES,
    "DELETE FROM inbox_items WHERE user_id = :id",
    "DELETE FROM muted_topics WHERE user_id = :id",
    "DELETE FROM quiet_hours WHERE user_id = :id",
)
NOTIFICATIONS_PERSONAL_DATA = PersonalData("notifications", own_data=OWN_DATA, erase=ERASE)
