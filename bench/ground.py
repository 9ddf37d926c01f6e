"""The stack that the bench measures: its own, durable, with everything real and nothing slowed."""

import os
import shutil

from config.settings import Settings, load_settings
from demo.shop import HERE, offers
from domain.stock import StockChange
from starter.commands.direct import CatalogueFile
from starter.local.ports import free_port
from starter.local.stack import Stack
from storage.catalogue import Catalogue
from storage.engine import create_engine
from storage.stock import PostgresInventory

PACE_S = 0.1
"""From accepted to packed, and from scan to scan: as soon as a warehouse could say so."""
RETURN_WINDOW_S = 1
QUICK = {
    "OMS_POLICY__RETURN_WINDOW_S": str(RETURN_WINDOW_S),
    "SIMULATORS_PACK_S": str(PACE_S),
    "SIMULATORS_SCAN_S": str(PACE_S),
}
PLENTY = 100_000


class NotOurOwn(RuntimeError):
    """The settings name a system outside that is no stand-in of ours: it must not be benched."""


def bench_stack() -> Stack:
    """A stack on free ports over an empty folder, with the settings that the environment says.

    Raises:
        NotOurOwn: names the system.
    """
    for name in [name for name in os.environ if name.startswith("TEMPORAL_")]:
        del os.environ[name]
    settings = load_settings()
    _see_that_it_is_ours(settings)
    folder = settings.state_dir / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    own = settings.model_copy(
        update={
            "state_dir": folder,
            "database_url": "",
            "http_port": free_port(),
            "simulators_port": free_port(),
            "postgres_port": free_port(),
            "temporal_port": free_port(),
            "temporal_ui_port": free_port(),
        }
    )
    return Stack(own, extra_env=QUICK)


def _see_that_it_is_ours(settings: Settings) -> None:
    ours = f"http://127.0.0.1:{settings.simulators_port}"
    outside = {**settings.channels, **settings.carriers, **settings.warehouses}
    for name, system in outside.items():
        if not system.base_url.startswith(ours):
            raise NotOurOwn(f"{name} is at {system.base_url}: the bench trades with stand-ins only")


async def fill_shelves(stack: Stack) -> None:
    """The demo's catalogue, with more stock than the bench can sell."""
    engine = create_engine(stack.database_url, 2)
    try:
        await _load_catalogue(Catalogue(engine))
        inventory = PostgresInventory(engine)
        for sku, offer in offers().items():
            for location in offer["stock"]:
                await inventory.receive(_receipt(sku, location))
    finally:
        await engine.dispose()


async def _load_catalogue(catalogue: Catalogue) -> None:
    told = CatalogueFile.model_validate_json((HERE / "catalogue.json").read_bytes())
    await catalogue.put_skus(told.skus)
    await catalogue.put_locations(told.locations)
    await catalogue.put_channels(told.channels)


def _receipt(sku: str, location: str) -> StockChange:
    return StockChange(
        key=f"bench:{sku}:{location}",
        sku=sku,
        location=location,
        quantity=PLENTY,
        reason="bench",
        by="bench",
    )
