"""What `oms` does on PostgreSQL and Temporal themselves, before there is an API to ask."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.service import RPCError, RPCStatusCode

from config.temporal import CODES, SEARCH_ATTRIBUTES, check_search_attributes, connect
from config.wiring import Wiring, wire
from domain.errors import OutsideError
from domain.locations import Location
from starter.catalogue_entries import location_problems
from starter.commands.calls import fail, settings
from storage.bundles import Bundle, BundleRefused
from storage.catalogue import CatalogueChannel, CatalogueSku, Put

T = TypeVar("T")
CONNECTIONS = 2


def with_tables(do: Callable[[Wiring], Awaitable[T]]) -> T:
    """Do something on our own tables; ends the program if PostgreSQL does not answer."""
    told = settings()

    async def run() -> T:
        wired = wire(told, CONNECTIONS)
        try:
            return await do(wired)
        finally:
            await wired.aclose()

    try:
        return asyncio.run(run())
    except OutsideError as error:
        fail(f"{error} (OMS_DATABASE_URL names the database): {error.detail}")


class CatalogueFile(BaseModel):
    """What `oms catalogue load` reads; what is there already is replaced."""

    model_config = ConfigDict(extra="forbid")

    skus: tuple[CatalogueSku, ...] = ()
    locations: tuple[Location, ...] = ()
    channels: tuple[CatalogueChannel, ...] = ()
    bundles: tuple[Bundle, ...] = ()


def load_catalogue(file: Path) -> dict[str, int]:
    """How many of each were put; ends the program if the file or a bundle is refused."""
    try:
        told = CatalogueFile.model_validate_json(file.read_bytes())
    except OSError as error:
        fail(f"{file}: {error.strerror}", 2)
    except ValidationError as error:
        said = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        fail("\n".join(said))
    wrong = [
        f"{one.location}: {p.field}: {p.message}"
        for one in told.locations
        for p in location_problems(one)
    ]
    if wrong:
        fail("\n".join(wrong))

    async def put(wired: Wiring) -> dict[str, Put | BundleRefused]:
        await wired.catalogue.put_skus(told.skus)
        await wired.catalogue.put_locations(told.locations)
        await wired.catalogue.put_channels(told.channels)
        return await wired.bundles.put_all(told.bundles, strict=True)

    refused = {s: one for s, one in with_tables(put).items() if isinstance(one, BundleRefused)}
    if refused:
        fail("\n".join(f"bundle {sku}: {error}" for sku, error in refused.items()))
    return {name: len(getattr(told, name)) for name in CatalogueFile.model_fields}


def register_attributes() -> list[str]:
    """The names of ours, which Temporal knows now; ends the program if it does not answer."""
    try:
        asyncio.run(_register())
    except (RPCError, RuntimeError) as error:
        fail(f"temporal: {error}")
    return [name for name, _ in SEARCH_ATTRIBUTES]


async def _register() -> None:
    client = await connect(settings())
    for name, kind in SEARCH_ATTRIBUTES:
        request = AddSearchAttributesRequest(
            namespace=client.namespace, search_attributes={name: CODES[kind]}
        )
        try:
            await client.operator_service.add_search_attributes(request)
        except RPCError as error:
            if error.status is not RPCStatusCode.ALREADY_EXISTS:
                raise
    await check_search_attributes(client)
