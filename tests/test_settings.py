"""Settings: typed, from variables or files, and without defaults in production."""

import pytest

from app.settings import DEVELOPMENT_KEY, BadSettings, Settings

KEY = "0123456789abcdef" * 4
PRODUCTION = {
    "DOORSTEP_ENV": "production",
    "DATABASE_URL": "postgresql://app@db/doorstep",
    "REDIS_URL": "redis://cache:6379/0",
    "SECRET_KEY": KEY,
    "BASE_URL": "https://doorstep.example/",
    "SMTP_URL": "smtp://mail:25",
    "MAIL_FROM": "Doorstep <hello@doorstep.example>",
    "UPLOADS_DIR": "/srv/uploads",
}


def test_development_needs_nothing():
    settings = Settings.from_env({})
    assert settings.env == "development"
    assert not settings.https


def test_production_reads_everything():
    settings = Settings.from_env(PRODUCTION)
    assert settings.base_url == "https://doorstep.example"
    assert settings.migration_database_url == settings.database_url
    assert settings.https


@pytest.mark.parametrize("name", [name for name in PRODUCTION if name != "DOORSTEP_ENV"])
def test_production_refuses_to_start_without(name):
    with pytest.raises(BadSettings, match=f"{name} is missing"):
        Settings.from_env({**PRODUCTION, name: " "})


def test_every_problem_is_named_at_once():
    env = {
        **PRODUCTION,
        "DATABASE_URL": "mysql://x/y",
        "SECRET_KEY": "short",
        "BASE_URL": "http://doorstep.example",
        "TRUSTED_PROXIES": "many",
        "LOG_LEVEL": "loud",
        "MAIL_FROM": "",
    }
    with pytest.raises(BadSettings) as caught:
        Settings.from_env(env)
    for name in ("DATABASE_URL", "SECRET_KEY", "BASE_URL", "TRUSTED_PROXIES", "LOG_LEVEL", "MAIL_FROM"):
        assert name in str(caught.value)
    assert "short" not in str(caught.value)
    assert "mysql" not in str(caught.value)


@pytest.mark.parametrize("key", [DEVELOPMENT_KEY, "a" * 64, "0123456789abcdef"])
def test_production_refuses_a_weak_key(key):
    with pytest.raises(BadSettings, match="SECRET_KEY"):
        Settings.from_env({**PRODUCTION, "SECRET_KEY": key})


def test_a_secret_may_stand_in_a_file(tmp_path):
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    without_key = {name: value for name, value in PRODUCTION.items() if name != "SECRET_KEY"}
    assert Settings.from_env({**without_key, "SECRET_KEY_FILE": str(file)}).secret_key == KEY
    with pytest.raises(BadSettings, match="SECRET_KEY_FILE can't be read"):
        Settings.from_env({**without_key, "SECRET_KEY_FILE": str(tmp_path / "none")})
    with pytest.raises(BadSettings, match="both set"):
        Settings.from_env({**PRODUCTION, "SECRET_KEY_FILE": str(file)})


@pytest.mark.parametrize("url", ["banana", "postgresql://", "postgresql://h:port/x", "postgresql://h:99999/x", "://"])
def test_a_broken_address_is_named(url):
    with pytest.raises(BadSettings, match="DATABASE_URL must be a URL"):
        Settings.from_env({"DATABASE_URL": url})


@pytest.mark.parametrize(
    "url", ["https://127.1/x", "https://0177.0.0.1/x", "https://127.0.0.1。/x", "http://chat.example"]
)
def test_a_chat_room_on_our_own_network_is_refused(url):
    with pytest.raises(BadSettings, match="GOOGLE_CHAT_WEBHOOK_URL must be a URL .* leads to a public server"):
        Settings.from_env({"GOOGLE_CHAT_WEBHOOK_URL": url})


def test_an_unknown_environment_is_refused():
    with pytest.raises(BadSettings, match="DOORSTEP_ENV"):
        Settings.from_env({"DOORSTEP_ENV": "staging"})


def test_no_secret_shows_when_settings_are_printed():
    assert KEY not in repr(Settings.from_env(PRODUCTION))
    assert "app@db" not in repr(Settings.from_env(PRODUCTION))


def test_the_previous_secret_key_is_another_and_the_receipt_key_is_long():
    key = "a random secret that is long enough to be one"  # pragma: allowlist secret
    read = Settings.from_env({"SECRET_KEY": key, "SECRET_KEY_PREVIOUS": key[::-1], "RECEIPT_SIGNING_KEY": key})
    assert (read.secret_key_previous, read.receipt_signing_key) == (key[::-1], key)
    assert key not in repr(read)
    with pytest.raises(BadSettings, match="SECRET_KEY_PREVIOUS"):
        Settings.from_env({"SECRET_KEY": key, "SECRET_KEY_PREVIOUS": key})
    with pytest.raises(BadSettings, match="RECEIPT_SIGNING_KEY"):
        Settings.from_env({"RECEIPT_SIGNING_KEY": "short"})
