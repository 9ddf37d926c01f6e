"""The command line waits as long as its question takes, and says what it knows when none comes."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
from typer.testing import CliRunner

from starter.cli import app
from starter.commands import calls, sourcing

REPLAY = ("replay", "--rules", "2", "--from", "2026-11-01", "--to", "2026-12-01")


@contextmanager
def listening(*, hangs_up: bool) -> Iterator[str]:
    """A starter that takes every question and answers none."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            try:
                while True:
                    asked, _ = server.accept()
                    taken.append(asked)
                    asked.recv(1)
                    if hangs_up:
                        asked.close()
            except OSError:
                return

        taken: list[socket.socket] = []
        thread = Thread(target=take)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for one in taken:
            one.close()


def said(environment: dict[str, str], url: str, *arguments: str) -> str:
    runner = CliRunner(env={**environment, "OMS_PUBLIC_URL": url, "OMS_API_KEY": "k"})
    answer = runner.invoke(app, arguments)
    assert answer.exit_code == 1
    return answer.stderr


@pytest.mark.parametrize(
    ("arguments", "limit_s"),
    [
        (("sourcing", "rules", "list"), 0.1),
        (("sourcing", "batch", "--apply"), 0.2),
        (("sourcing", *REPLAY), 0.2),
    ],
)
def test_a_search_over_many_orders_has_more_time_and_what_is_not_known_is_not_claimed(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    limit_s: float,
) -> None:
    monkeypatch.setattr(calls, "CALL_S", 0.1)
    monkeypatch.setattr(sourcing, "LONG_S", 0.2)
    with listening(hangs_up=False) as url:
        assert said(environment, url, *arguments) == (
            f"{url} was asked and has not answered (timed out, {limit_s} s allowed): "
            "it may still be at it, and what it has done stands; look before you ask again\n"
        )


def test_a_starter_that_ends_before_it_answers_may_have_done_it(
    environment: dict[str, str],
) -> None:
    with listening(hangs_up=True) as url:
        told = said(environment, url, "sourcing", "batch")
    assert told.startswith(f"{url} was asked and has not answered (")
    assert "no starter" not in told


def test_where_nobody_listens_nothing_was_asked(environment: dict[str, str]) -> None:
    with listening(hangs_up=True) as url:
        pass
    assert said(environment, url, "sourcing", "batch").startswith(f"no starter answers at {url}: ")
