"""PostgreSQL that does not answer is an outside system that does not answer: `Unavailable`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.errors import Unavailable

SYSTEM = "postgresql"
_LIMIT_EXCEEDED = "54"
"""SQLSTATE's class of what is too large or too complex for PostgreSQL, each time it is tried: the
driver counts it among the outages."""


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Open a transaction that is committed at the end.

    Raises:
        Unavailable: no connection, or a lost one: then it is not known whether the transaction
            was committed. A wrong statement, or one too large, stays what it is, a bug.
    """
    try:
        async with engine.begin() as connection:
            yield connection
    except PoolTimeout as error:
        raise Unavailable(SYSTEM, "busy", str(error)) from error
    except (OperationalError, InterfaceError) as error:
        if (getattr(error.orig, "sqlstate", None) or "").startswith(_LIMIT_EXCEEDED):
            raise
        raise Unavailable(SYSTEM, "unreachable", str(error.orig), fate_unknown=True) from error
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise Unavailable(SYSTEM, "connection_lost", str(error.orig), fate_unknown=True) from error
