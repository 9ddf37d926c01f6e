"""PostgreSQL that does not answer is an outside system that does not answer: `Unavailable`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.errors import Unavailable

SYSTEM = "postgresql"


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Open a transaction that is committed at the end.

    Raises:
        Unavailable: no connection, or a lost one: then it is not known whether the transaction
            was committed. A wrong statement stays what it is, a bug.
    """
    try:
        async with engine.begin() as connection:
            yield connection
    except PoolTimeout as error:
        raise Unavailable(SYSTEM, "busy", str(error)) from error
    except (OperationalError, InterfaceError) as error:
        raise Unavailable(SYSTEM, "unreachable", str(error.orig), fate_unknown=True) from error
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise Unavailable(SYSTEM, "connection_lost", str(error.orig), fate_unknown=True) from error
