"""Bugs to plant in goods to come, each with the invariant that finds it; and what is sound."""

from datetime import date

from domain.supply import Arrival, NewSupply, OrderedLine
from storage.supply import Supplies
from tests.audit.goods_gone_wrong import moved
from tests.audit.small_world import SmallWorld


async def expected_of_nobody(world: SmallWorld) -> None:
    await world.plant(moved("x", "expected", incoming=3))


async def received_and_not_booked(world: SmallWorld) -> None:
    await world.plant(
        "INSERT INTO supplies (supply_id, kind, state, destination) "
        "VALUES ('po-9', 'purchase_order', 'closed', 'berlin')",
        "INSERT INTO supply_lines (supply_id, line, sku, quantity, expected_on, received) "
        "VALUES ('po-9', 1, 'TEE-RED', 2, '2026-03-01', 2)",
    )


async def goods_on_their_way(world: SmallWorld) -> None:
    """Part of a purchase order came, and part of that is in transit."""
    supplies = Supplies(world.engine)
    line = OrderedLine(sku="TEE-RED", quantity=5, expected_on=date(2026, 3, 1))
    po = await supplies.open(NewSupply(destination="berlin", lines=(line,)), "o1", "ann")
    await supplies.receive(po.supply_id, (Arrival(sku="TEE-RED", quantity=4),), "r1", "ann")
    onwards = NewSupply(
        origin="berlin", destination="lyon", lines=(line.model_copy(update={"quantity": 3}),)
    )
    tr = await supplies.open(onwards, "o2", "ann")
    await supplies.dispatch(tr.supply_id, "d2", "ann")
    await supplies.receive(tr.supply_id, (Arrival(sku="TEE-RED", quantity=1),), "r2", "ann")


PLANTED = [
    (expected_of_nobody, "incoming_awaited", "TEE-RED at berlin"),
    (received_and_not_booked, "supply_booked", "po-9"),
]
SOUND = (goods_on_their_way,)
