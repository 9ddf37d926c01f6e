"""Settings: each one is documented, defaults are true, errors name variable and reason."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from config.settings import Settings, SettingsInvalid, load_settings

EXAMPLE = Path(__file__).parents[1] / ".env.example"


@pytest.fixture(autouse=True)
def _no_dotenv(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def _variables(model: type[BaseModel], prefix: str = "OMS_") -> set[str]:
    names = set()
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names |= _variables(kind, f"{prefix}{name.upper()}__")
        else:
            names.add(prefix + name.upper())
    return names


def _example() -> dict[str, str]:
    return dict(re.findall(r"^(OMS_\w+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE))


def test_the_example_lists_every_setting_and_no_other():
    assert set(_example()) == _variables(Settings)


def test_the_example_shows_the_defaults(monkeypatch):
    defaults = load_settings()
    for name, value in _example().items():
        monkeypatch.setenv(name, value)
    assert load_settings() == defaults


def test_the_commented_examples_are_the_defaults_of_the_stand_ins(monkeypatch):
    defaults = load_settings()
    for name, value in re.findall(r"^#(OMS_\w+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE):
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.channels == defaults.channels
    assert settings.carriers == defaults.carriers
    assert settings.warehouses == {"berlin": defaults.warehouses["berlin"]}


def test_the_policy_is_set_one_field_at_a_time(monkeypatch):
    monkeypatch.setenv("OMS_POLICY__RETURN_WINDOW_S", "20")
    policy = load_settings().policy
    assert policy.return_window_s == 20
    assert policy.retry_cap_s == 300


def test_the_stand_ins_follow_their_port(monkeypatch):
    monkeypatch.setenv("OMS_SIMULATORS_PORT", "9999")
    settings = load_settings()
    assert settings.channels["demo"].base_url == "http://127.0.0.1:9999"
    assert settings.warehouses["leeds"].base_url == "http://127.0.0.1:9999"


def test_without_stand_ins_nobody_is_trusted_by_default(monkeypatch):
    monkeypatch.setenv("OMS_STAND_INS", "false")
    settings = load_settings()
    assert (settings.channels, settings.carriers, settings.warehouses) == ({}, {}, {})


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("OMS_HTTP_PORT", "70000", "OMS_HTTP_PORT: Input should be less than or equal to 65535"),
        (
            "OMS_POLICY__RETURN_WINDOW_S",
            "-1",
            "OMS_POLICY__RETURN_WINDOW_S: Input should be greater than 0",
        ),
        ("OMS_CHANNELS", "{", "OMS_CHANNELS: is not valid JSON"),
        ("OMS_PUBLIC_URL", "shop.example", "OMS_PUBLIC_URL: must start with http:// or https://"),
        (
            "OMS_CHANNELS",
            '{"De-mo": {"base_url": "http://a", "token": "t", "secrets": ["s"]}}',
            "OMS_CHANNELS: the id 'De-mo' must be [a-z0-9]+",
        ),
        (
            "OMS_CHANNELS",
            '{"demo": {"base_url": "http://a", "token": "hush", "secrets": ["a", "b", "c"]}}',
            "OMS_CHANNELS__DEMO__SECRETS: Tuple should have at most 2 items after validation",
        ),
        (
            "OMS_CARRIERS__EASYPOST",
            '{"base_url": "http://a", "key": "hush", "secrets": ["s"], "timeout_s": 60}',
            "OMS_CARRIERS__EASYPOST__TIMEOUT_S: Input should be less than or equal to 20",
        ),
        ("OMS_PUBLIC_URL", "https://[::1", "OMS_PUBLIC_URL: must be an address such as https://"),
        ("OMS_PUBLIC_URL", "http://", "OMS_PUBLIC_URL: must be an address such as https://"),
        ("OMS_PUBLIC_URL", "http://a:99999", "OMS_PUBLIC_URL: must be an address such as https://"),
        ("OMS_DATABASE_URL", "me:hush@db", "OMS_DATABASE_URL: must be postgresql+psycopg://"),
        (
            "OMS_DATABASE_URL",
            "mysql://me:hush@db/a",
            "OMS_DATABASE_URL: must be postgresql+psycopg",
        ),
        (
            "OMS_DATABASE_URL",
            "postgresql://me:hu@hush@db:5432/a",
            "OMS_DATABASE_URL: must be postgresql+psycopg://user:password@host:5432/name",
        ),
        (
            "OMS_CHANNELS",
            '{"demo": {"base_url": "http://a", "token": "", "secrets": ["hush"]}}',
            "OMS_CHANNELS__DEMO__TOKEN: Value should have at least 1 item",
        ),
        ("OMS_DRAIN_S", "inf", "OMS_DRAIN_S: Input should be less than or equal to 3600"),
        ("OMS_RELAY_LEASE_S", "1e999", "OMS_RELAY_LEASE_S: Input should be less than or equal"),
        (
            "OMS_UNKNOWN_ORDER_WAIT_S",
            "inf",
            "OMS_UNKNOWN_ORDER_WAIT_S: Input should be less than or equal to 2592000",
        ),
        ("OMS_RELAY_TRIES_MAX", "9" * 20, "OMS_RELAY_TRIES_MAX: Input should be less than or"),
        ("OMS_SLOTS__ORDERS", "9" * 20, "OMS_SLOTS__ORDERS: Input should be less than or equal"),
        (
            "OMS_POLICY__RETRY_CAP_S",
            "inf",
            "OMS_POLICY__RETRY_CAP_S: Input should be less than or equal to 315360000",
        ),
        ("OMS_POLICY__RETRUN_WINDOW_S", "20", "OMS_POLICY: has no retrun_window_s"),
        (
            "OMS_WORKER_DATABASE_POOL",
            "39",
            "OMS_WORKER_DATABASE_POOL is 39, fewer than the 40 activities that OMS_SLOTS allows",
        ),
    ],
)
def test_an_error_names_the_variable_and_the_reason(monkeypatch, variable, value, reason):
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsInvalid) as caught:
        load_settings()
    assert str(caught.value).startswith(reason)
    assert "\n" not in str(caught.value), "one fault, one line"
    assert "hush" not in str(caught.value)


def test_an_empty_secret_is_none(monkeypatch):
    said = '{"demo": {"base_url": "http://a", "token": "t", "secrets": [""]}}'
    monkeypatch.setenv("OMS_CHANNELS", said)
    with pytest.raises(SettingsInvalid, match="OMS_CHANNELS__DEMO__SECRETS__0: Value"):
        load_settings()


def test_no_secret_shows_when_settings_are_printed(monkeypatch):
    monkeypatch.setenv("OMS_DATABASE_URL", "postgresql+psycopg://me:hush@db/holdfast")
    monkeypatch.setenv("OMS_API_KEY", "hush")
    printed = repr(load_settings())
    assert "hush" not in printed
    assert "shpss_demo_secret" not in printed
