"""A small world to source in: three locations, a few SKUs, a bundle, and one way to ask."""

from datetime import time
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.addresses import Address
from domain.ids import OrderId
from domain.locations import Location
from domain.orders import Destination, LineRef
from domain.sourcing.decision import Decision
from domain.sourcing.rules import RuleSet
from domain.sourcing.source import source
from domain.stock import Changed, Reserved, ReserveRequest, Short, StockChange
from storage.catalogue import Catalogue, CatalogueSku
from storage.sourcing import PostgresSourcing
from storage.sourcing_rules import SourcingRules
from storage.stock import PostgresInventory


def place(location: str, country: str, postal_code: str, **more: Any) -> Location:
    address = Address(city=location.title(), country=country, postal_code=postal_code)
    return Location(
        location=location,
        name=location.title(),
        address=address,
        **{"timezone": "Europe/Berlin"} | more,
    )


ALL_DAY = {"weekdays": (1, 2, 3, 4, 5, 6, 7), "cut_off": time(23, 59, 59)}
"""What is reserved on a day is handled on that day, whichever it is."""
BERLIN = place("berlin", "DE", "10115")
LYON = place("lyon", "FR", "69001")
WIEN = place("wien", "AT", "1010")
SKUS = (
    CatalogueSku(sku="CUP", title="Cup", weight_g=300),
    CatalogueSku(sku="POT", title="Pot", weight_g=900),
    CatalogueSku(sku="GAS", title="Gas", weight_g=200, hazmat=True),
    CatalogueSku(sku="SET", title="Set"),
    CatalogueSku(sku="FOAM", title="Foam"),
)


class Room:
    """What the tests ask of the world."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.rules = SourcingRules(engine)
        self.stock = PostgresInventory(engine)
        self.sourcing = PostgresSourcing(engine, self.stock, self.rules)
        self.received = 0

    async def furnish(self, *locations: Location) -> None:
        catalogue = Catalogue(self.engine)
        await catalogue.put_skus(SKUS)
        await catalogue.put_locations(locations or (BERLIN, LYON, WIEN))
        await self.run(
            "INSERT INTO bundle_components (bundle, component, quantity) "
            "VALUES ('SET', 'CUP', 4), ('SET', 'POT', 1)"
        )

    async def run(self, statement: str, **values: Any) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(text(statement), values)

    async def rows(self, statement: str) -> list[tuple[Any, ...]]:
        async with self.engine.begin() as connection:
            return [tuple(row) for row in await connection.execute(text(statement))]

    async def receive(self, location: str, **quantities: int) -> None:
        for sku, quantity in quantities.items():
            self.received += 1
            await self.stock.receive(
                StockChange(
                    key=f"in-{self.received}",
                    sku=sku,
                    location=location,
                    quantity=quantity,
                    reason="delivery",
                    by="ann",
                )
            )

    async def activate(self, **rules: Any) -> int:
        kept = await self.rules.draft(RuleSet(**rules), "ann")
        await self.rules.activate(kept.version, "ann")
        return kept.version

    async def once(self, wanted: ReserveRequest) -> tuple[Decision, Reserved | Short | Changed]:
        case = await self.sourcing.case(wanted)
        decision = source(case)
        return decision, await self.sourcing.reserve(wanted, case, decision)


async def long_ago(room: Room) -> None:
    """Nothing that was said until now is younger than an hour; but who waits was sourced now."""
    await room.run("ALTER TABLE locations DISABLE TRIGGER locations_changed")
    await room.run("UPDATE locations SET changed_at = now() - interval '1 hour'")
    await room.run("ALTER TABLE locations ENABLE TRIGGER locations_changed")
    await room.run("UPDATE skus SET changed_at = NULL")
    await room.run("UPDATE sourcing_rules SET activated_at = now() - interval '1 hour'")


def wanted(order: str, *lines: tuple[str, int], generation: int = 1, **more: Any) -> ReserveRequest:
    said = {"destination": Destination(country="DE", postal_code="10115")} | more
    return ReserveRequest(
        order_id=OrderId(order),
        key=f"{order}/reserve/{generation}",
        lines=tuple(
            LineRef(line_id=f"l{number}", sku=sku, quantity=quantity)
            for number, (sku, quantity) in enumerate(lines, 1)
        ),
        **said,
    )


def where(answer: Reserved | Short | Changed) -> dict[str, dict[str, int]]:
    """What is picked where."""
    assert isinstance(answer, Reserved)
    return {
        part.location: {item.sku: item.quantity for item in part.items} for part in answer.parts
    }
