"""How long a cart is held goes by the database's clock, whatever the starter's says."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from config.settings import Settings
from tests.starter.goods import receive, with_goods
from tests.starter.test_reservations import PATH, hold, reserved
from tests.starter.world import World

HELD_S = 600


@pytest.fixture(params=["1 day", "-1 day"])
async def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """With a database whose clock differs from the starter's."""
    engine = create_async_engine(settings.database_url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for clock in ("now", "clock_timestamp"):
            await connection.execute(
                text(
                    f"CREATE FUNCTION public.{clock}() RETURNS timestamptz LANGUAGE sql VOLATILE "
                    f"RETURN pg_catalog.{clock}() + interval '{request.param}'"
                )
            )
        name = engine.url.database
        await connection.execute(
            text(f'ALTER DATABASE "{name}" SET search_path = public, pg_catalog')
        )
    await engine.dispose()
    return settings.model_copy(update={"sweep_s": 3600})


async def the_clock(world: World) -> datetime:
    engine = create_async_engine(world.composition.settings.database_url)
    async with engine.connect() as connection:
        now: datetime = await connection.scalar(text("SELECT clock_timestamp()"))
    await engine.dispose()
    return now


@pytest.mark.parametrize("times", [1, 2])
async def test_a_starter_whose_clock_is_wrong_holds_a_cart_for_as_long_as_was_said(
    world: World, times: int
) -> None:
    """Also where it is said again: then from the last time on."""
    await with_goods(world)
    await receive(world, "CUP", 5)
    for _ in range(times):
        before = await the_clock(world)
        answer = await hold(world, ("CUP", 5), expires_in_s=HELD_S)
        after = await the_clock(world)
    held = timedelta(seconds=HELD_S)
    assert before + held <= datetime.fromisoformat(answer.json()["expires_at"]) <= after + held
    assert await world.wired.inventory.expire() == 0
    assert await reserved(world) == {"berlin": 5}
    assert (await world.api("GET", f"{PATH}/cart-1")).json()["state"] == "held"
