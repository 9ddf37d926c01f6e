"""A channel that gives more back than our books can hold: they hold what they can, and say it."""

from domain.lifecycles import OrderStatus, ReturnStatus
from domain.payments import ChannelCancelled, Refunded
from domain.records import REFUNDED_MORE, JournalEntry
from domain.tracking import Course
from tests.workflows.at_once import at_once
from tests.workflows.lives import Start
from tests.workflows.world import World, an_order, eur


def told(entries: list[JournalEntry]) -> list[dict[str, str | int | None]]:
    return [dict(entry.data) for entry in entries if entry.code == REFUNDED_MORE]


@at_once
async def test_a_return_books_what_fits_and_tells_what_the_channel_gave(
    begin: Start, world: World
) -> None:
    life = await begin(an_order("more-return"))
    await life.until_waiting("delivery")
    await life.parcel(Course.DELIVERED)
    await life.until_status(OrderStatus.DELIVERED)
    back = await life.ask_back(2)
    key = f"{life.id}/r-{life.id}.r1/refund"
    world.answers["refund", key] = Refunded(amount=eur(3_500), ref="ref_1", given=eur(3_900))
    await back.signal("received", {})
    line = {"line_id": "L1", "sku": "MUG", "restock": 2, "discard": 0, "refund": 2}
    await back.signal("inspected", {"lines": [line]})
    record = await life.until_return(ReturnStatus.CLOSED)
    assert [entry.amount for entry in record.money] == [eur(3_500)]
    entries = [e for r in world.return_records[f"{life.id}.r1"] for e in r.journal]
    assert told(entries) == [{"deed": key, "amount_minor": 3_900, "currency": "EUR"}]


@at_once
async def test_a_cancel_books_what_fits_and_tells_what_the_channel_gave(
    begin: Start, world: World
) -> None:
    world.block("buy_label")
    life = await begin(an_order("more-cancel"))
    await world.reaches("buy_label")
    key = f"{life.id}/cancel"
    world.answers["cancel_at_channel", key] = ChannelCancelled(
        refunded=eur(3_500), ref="can_1", given=eur(3_900)
    )
    await life.ask("cancel")
    assert (await life.result()).status == "cancelled"
    booked = [(entry.kind, entry.amount) for entry in world.last(life.id).money]
    assert booked == [("captured", eur(3_500)), ("refunded", eur(3_500))]
    entries = [e for r in world.records[life.id] for e in r.journal]
    assert told(entries) == [{"deed": key, "amount_minor": 3_900, "currency": "EUR"}]
