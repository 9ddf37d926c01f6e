"""Ends a connection of a pool from outside, as a server does that restarts."""

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.outages import transaction


async def backend_of(engine: AsyncEngine) -> int:
    async with transaction(engine) as connection:
        return int((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())


async def end(engine: AsyncEngine, backend: int) -> None:
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
        await other.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
