"""The processes as they start: what is missing is said in words, and what is away is waited for."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from config.settings import load_settings


def started(module: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", module],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    try:
        said, _ = process.communicate(timeout=200)
    finally:
        process.kill()
    return process.returncode, said


def test_a_worker_waits_for_temporal_and_still_ends_at_once(free_port) -> None:
    worker = started("worker", {"TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}"})
    assert worker.stdout is not None
    lines = [worker.stdout.readline() for _ in range(2)]
    worker.send_signal(signal.SIGTERM)
    status, rest = ended(worker)
    assert status == 0, rest
    assert all("waiting_for_temporal" in line for line in lines), lines
    assert "Traceback" not in rest


def test_a_worker_without_a_carrier_names_the_setting() -> None:
    status, said = ended(started("worker", {"OMS_STAND_INS": "false"}))
    assert (status, said) == (
        1,
        "worker: OMS_CARRIERS: names no carrier, so that nothing could be shipped\n",
    )


def test_a_worker_whose_health_port_is_taken_ends_and_names_the_setting(
    environment: dict[str, str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        status, said = ended(started("worker", environment | {"OMS_WORKER_HEALTH_PORT": port}))
    assert status == 1
    assert said.startswith("worker: OMS_WORKER_HEALTH_PORT: [Errno ")
    assert "in use" in said


def test_a_starter_that_others_can_reach_trusts_no_public_secret() -> None:
    status, said = ended(started("starter", {"OMS_HTTP_HOST": "0.0.0.0"}))  # noqa: S104 - refused
    assert status == 2
    assert said.startswith("OMS_STAND_INS: must be false where OMS_HTTP_HOST lets others in")


@pytest.mark.parametrize("more", [{"OMS_STAND_INS": "false"}, {"OMS_HTTP_HOST": "::1"}])
def test_one_that_is_alone_or_trusts_nobody_may(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, str]
) -> None:
    for name, value in {"OMS_HTTP_HOST": "0.0.0.0", **more}.items():  # noqa: S104 - read only
        monkeypatch.setenv(name, value)
    assert not load_settings().trusts_the_public
