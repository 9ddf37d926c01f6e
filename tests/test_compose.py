"""docker-compose.yml keeps its promises, as far as they show without an engine."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings import Settings
from config.temporal import SEARCH_ATTRIBUTES

ROOT = Path(__file__).parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service.get("image") == "holdfast"]
ONE_SHOTS = {"migrate", "temporal-schema", "temporal-register"}
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_everything_that_one_machine_runs_is_there():
    assert set(SERVICES) == ONE_SHOTS | {"postgres", "temporal", "temporal-ui", "starter", "worker"}


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONE_SHOTS))
def test_what_runs_for_long_says_whether_it_is_healthy(name):
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert check["retries"] >= 10


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_services_wait_for_health_and_for_one_shots_to_succeed(name):
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        done = other in ONE_SHOTS
        expected = "service_completed_successfully" if done else "service_healthy"
        assert wait == {"condition": expected}


def test_worker_and_starter_wait_for_schema_and_search_attributes():
    for name in ("starter", "worker"):
        assert set(SERVICES[name]["depends_on"]) == {"postgres", "migrate", "temporal-register"}


def test_a_one_shot_is_tried_again_only_when_it_failed():
    assert {SERVICES[name]["restart"] for name in ONE_SHOTS} == {"on-failure"}


def test_what_is_scaled_has_no_fixed_name_and_the_worker_no_host_port():
    assert [name for name, service in SERVICES.items() if "container_name" in service] == []
    assert "ports" not in SERVICES["worker"]
    assert SERVICES["starter"]["ports"] == ["127.0.0.1:${STARTER_PORTS:-8080}:8080"]


def test_only_loopback_of_the_host_is_published():
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []
    assert len(published) == 2, "the starter and Temporal's pages, not PostgreSQL, not Temporal"


@pytest.mark.parametrize("name", OURS)
def test_our_commands_are_modules_that_exist(name):
    python, flag, module = SERVICES[name]["command"]
    assert (python, flag) == ("python", "-m")
    spec = find_spec(module)
    assert spec is not None
    if spec.submodule_search_locations is not None:
        assert find_spec(f"{module}.__main__") is not None
    assert module.split(".")[0] in _copied(), "and the image holds them"


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name):
    told = [key for key in SERVICES[name]["environment"] if key.startswith("OMS_")]
    assert told != []
    known = {f"OMS_{field.upper()}" for field in Settings.model_fields}
    assert [key for key in told if key not in known] == []


@pytest.mark.parametrize("name", OURS)
def test_every_setting_is_passed_but_what_one_machine_alone_uses(name):
    alone = {
        "simulators_port", "state_dir", "postgres_port", "temporal_port", "temporal_ui_port",
    }  # fmt: skip
    passed = {f"OMS_{field.upper()}" for field in set(Settings.model_fields) - alone}
    environment = SERVICES[name]["environment"]
    assert {key for key in environment if key.startswith("OMS_")} == passed
    told = {key: str(value) for key, value in environment.items() if key in passed}
    from_outside = {key for key, value in told.items() if value == f"${{{key}:-}}"}
    fixed_here = {
        "OMS_DATABASE_URL", "OMS_HTTP_HOST", "OMS_HTTP_PORT", "OMS_WORKER_HEALTH_PORT",
        "OMS_STAND_INS", "OMS_LOG_FORMAT", "OMS_API_KEY",
    }  # fmt: skip
    assert passed - from_outside == fixed_here


def test_settings_of_many_variables_come_from_the_file_as_well():
    for name in OURS:
        assert SERVICES[name]["env_file"] == [{"path": ".env", "required": False}]


def test_what_stops_is_given_longer_than_it_takes():
    for name in ("starter", "worker"):
        grace_s = float(SERVICES[name]["stop_grace_period"].removesuffix("s"))
        assert grace_s > Settings().drain_s


def test_settings_accept_what_compose_tells_when_nothing_is_set(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for key, value in SERVICES["worker"]["environment"].items():
        monkeypatch.setenv(key, _interpolated(str(value)))
    settings = Settings()
    assert settings.database == "postgresql+psycopg://holdfast:holdfast@postgres:5432/holdfast"
    assert settings.worker_health_port == 8081
    assert settings.channels == {}, "no public secret is trusted where others can reach us"


def _interpolated(value: str) -> str:
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)


def test_health_is_asked_where_the_process_answers():
    environment = SERVICES["worker"]["environment"]
    for name, variable in (("starter", "OMS_HTTP_PORT"), ("worker", "OMS_WORKER_HEALTH_PORT")):
        code = SERVICES[name]["healthcheck"]["test"][-1]
        assert f"http://127.0.0.1:{environment[variable]}/healthz" in code
        compile(code, name, "exec")
    pages = SERVICES["temporal-ui"]
    inside = pages["ports"][0].rpartition(":")[2]
    # alpine's own busybox; the server's health route is older than any version we would run
    command = ["CMD", "wget", "-q", "-O", "/dev/null", f"http://127.0.0.1:{inside}/healthz"]
    assert pages["healthcheck"]["test"] == command


def test_connections_of_the_default_fleet_fit_the_server():
    allowed = int(SERVICES["postgres"]["command"][-1].removeprefix("max_connections="))
    settings = Settings()
    four_workers_two_starters = 4 * settings.worker_database_pool + 2 * settings.database_pool
    temporal_itself = 2 * 4 * 20  # two stores, four services, 20 connections each by default
    assert four_workers_two_starters + temporal_itself <= allowed


def test_data_outlives_the_containers():
    # PostgreSQL 18's image declares its volume at /var/lib/postgresql, not …/data.
    assert SERVICES["postgres"]["image"] == "postgres:18"
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]
    assert "postgres" in COMPOSE["volumes"]


def test_the_registered_search_attributes_are_ours():
    script = (ROOT / "docker" / "temporal-register.sh").read_text()
    registered = re.findall(r"^register (\w+) (\w+)$", script, re.MULTILINE)
    assert registered == list(SEARCH_ATTRIBUTES)


def test_scripts_that_are_mounted_exist():
    mounts = [m for service in SERVICES.values() for m in service.get("volumes", [])]
    local = [mount.split(":")[0] for mount in mounts if mount.startswith("./")]
    assert len(local) == 3
    assert [path for path in local if not (ROOT / path).is_file()] == []


def _copied() -> set[str]:
    return set(re.findall(r"^COPY (\w+) \w+$", DOCKERFILE, re.MULTILINE))


def test_the_image_holds_the_product_and_not_its_stand_ins():
    assert _copied() == {
        "activities", "adapters", "config", "domain",
        "starter", "storage", "worker", "workflows",
    }  # fmt: skip
    assert [name for name in _copied() if not (ROOT / name).is_dir()] == [], "COPY would fail"


def test_the_image_is_built_from_hashes_and_runs_without_rights():
    assert "--require-hashes -r requirements.txt" in DOCKERFILE
    last_stage = DOCKERFILE.rsplit("\nFROM ", 1)[1]
    assert re.search(r"^USER 10001$", last_stage, re.MULTILINE)


def test_the_build_context_holds_what_the_image_copies():
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignore
    allowed = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    assert allowed == _copied() | {"requirements.txt"}
