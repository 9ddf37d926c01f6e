"""How functions of stock in PostgreSQL are called, and what their refusals and failures mean."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.errors import Refused, Unavailable
from domain.orders import LineRef
from domain.stock import SkuQuantity, summed

SYSTEM = "stock"
QUANTITY_LIMIT = 10**12
"""No line and no change moves more; far below what a counter holds."""

_REFUSED = "HF001"
_BUSY = {
    "40001": "serialization_failure",
    "40P01": "deadlock",
    "55P03": "lock_timeout",
    "57014": "statement_timeout",
    "53300": "too_many_connections",
}
"""The statement was rolled back and may be sent again."""


def check_quantities(lines: tuple[LineRef | SkuQuantity, ...]) -> None:
    """See that there is something to do, and not too much.

    Raises:
        Refused: `no_lines` or `bad_quantity`.
    """
    if not lines:
        raise Refused(SYSTEM, "no_lines")
    too_much = max(total.quantity for total in summed(lines)) > QUANTITY_LIMIT
    if too_much or min(line.quantity for line in lines) < 1:
        raise Refused(SYSTEM, "bad_quantity")


@asynccontextmanager
async def stock_connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection whose failures come out as `Refused` or `Unavailable`, or are bugs."""
    try:
        async with engine.begin() as connection:
            yield connection
    except PoolTimeout as error:
        raise Unavailable(SYSTEM, "pool_exhausted", str(error)) from error
    except DBAPIError as error:
        raise _outside(error) from error


def _outside(error: DBAPIError) -> Exception:
    """What a failed statement means; anything but a refusal or an outage is a bug and stays so."""
    cause = error.orig
    if isinstance(cause, psycopg.Error) and cause.sqlstate == _REFUSED:
        return Refused(SYSTEM, cause.diag.message_primary or "refused")
    if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
        busy = _BUSY.get(getattr(cause, "sqlstate", None) or "")
        code = busy or "connection_lost"
        return Unavailable(SYSTEM, code, str(cause), fate_unknown=busy is None)
    return error
