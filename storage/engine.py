"""Opens the pool of connections that a process shares."""

import time
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

RESTED_S = 5.0
"""A connection that nobody used for so long is tried before its use; a round trip otherwise saved
in each transaction. A server that restarts in between costs one `Unavailable`, and the whole pool
is opened anew."""
USED_AT = "used_at"
STANDSTILL_S = 10.0
"""A transaction in which nothing was asked for so long is ended by the server. Its process may be
frozen, or cut off: what it has locked would keep whoever took its place waiting for ever."""


def create_engine(url: str, pool_size: int) -> AsyncEngine:
    """Make the pool: `pool_size` connections at most, in UTC, each tried after a rest.

    The connection used last is used first: a statement is prepared in each connection anew.
    """
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_use_lifo=True,
        hide_parameters=True,  # an error is logged, and what we write holds names and addresses
        connect_args={"options": _options(), "connect_timeout": 10},
    )
    dialect = engine.dialect

    def try_if_rested(connection: Any, record: ConnectionPoolEntry, _: Any) -> None:
        if time.monotonic() - record.info.get(USED_AT, time.monotonic()) < RESTED_S:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    def note_use(_: Any, record: ConnectionPoolEntry) -> None:
        record.info[USED_AT] = time.monotonic()

    event.listen(engine.sync_engine, "checkout", try_if_rested)
    event.listen(engine.sync_engine, "checkin", note_use)
    return engine


def alone(engine: AsyncEngine) -> AsyncEngine:
    """The same pool, where each statement is a transaction of its own.

    BEGIN and COMMIT would each be one more round trip.
    """
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def _options() -> str:
    standstill_ms = round(STANDSTILL_S * 1000)
    return f"-c timezone=UTC -c idle_in_transaction_session_timeout={standstill_ms}"
