"""What a history holds and how much of it: nothing personal, and little."""

from domain.lifecycles import OrderStatus
from domain.tracking import Course
from tests.workflows.at_once import at_once
from tests.workflows.histories import everything_told, occurring
from tests.workflows.lives import DAY_S, Life, Start
from tests.workflows.world import GOOD_ADDRESS, World, an_order

EVENTS_MAX, BYTES_MAX = 100, 40_000
HOME = GOOD_ADDRESS.model_copy(
    update={"lines": ("Alsterufer 3",), "city": "Hamburg", "postal_code": "20354"}
)
ELSEWHERE = GOOD_ADDRESS.model_copy(
    update={
        "name": "Maximiliane Musterfrau",
        "postal_code": "22605",
        "lines": ("Elbchaussee 1",),
        "city": "Hamburg",
    }
)


def personal(life: Life) -> list[str]:
    """Every personal value of the order and its addresses; country and postal code may be told."""
    order = life.order
    values = [order.email, order.phone, order.note, order.number, *(n.title for n in order.lines)]
    for address in life.world.addresses.values():
        values += [address.name, *address.lines, address.city, address.phone or ""]
        values += [word for word in address.name.split() if word]
    return [value for value in values if value]


@at_once
async def test_nothing_personal_is_in_a_whole_history(begin: Start, world: World) -> None:
    order = an_order("personal", address=HOME).model_copy(
        update={"note": "leave it with Frau Meier"}
    )
    for step in ("validate", "reserve", "request_packing", "capture", "buy_label", "hand_over"):
        world.fail(step, RuntimeError(f"{order.email} {order.phone} {HOME!r}"))
    gate = world.block("buy_label")
    world.addresses[order.order_id, 2] = ELSEWHERE
    life = await begin(order)
    await life.until_told("packed")
    await life.tell(
        "fix_address",
        by="u-17",
        address_version=2,
        destination={"country": "DE", "postal_code": "22605"},
    )
    gate.set()
    await life.until_waiting("delivery")
    await life.parcel(Course.DELIVERED)
    await life.until_status(OrderStatus.DELIVERED)
    back = await life.ask_back(1)
    told = await everything_told(life.handle) + await everything_told(back)
    assert "22605" in told, "the history was read"
    assert "bug: RuntimeError" in told, "failures were read too"
    assert len(personal(life)) >= 9
    assert occurring(personal(life), told) == []


@at_once
async def test_a_one_parcel_order_is_small(begin: Start) -> None:
    life = await begin(an_order("small"))
    await life.until_waiting("delivery")
    await life.parcel(Course.MOVING)
    await life.parcel(Course.DELIVERED)
    await life.until_status(OrderStatus.DELIVERED)
    await life.pass_time(31 * DAY_S)
    await is_small(life, "a one-parcel order")


@at_once
async def test_it_is_small_too_where_each_word_comes_alone(begin: Start, world: World) -> None:
    """With hours between, so that no two of them share a workflow task."""
    world.packing = "later"
    life = await begin(an_order("spread-out"))
    await life.until_waiting("packing")
    await life.packed()
    await life.until_waiting("delivery")
    await life.parcel(Course.MOVING)
    await life.until_told("parcel_moving")
    await life.parcel(Course.DELIVERED)
    await life.until_waiting("return_window")
    await life.pass_time(31 * DAY_S)
    await is_small(life, "a one-parcel order, word by word")


async def is_small(life: Life, what: str) -> None:
    assert (await life.result()).status == "closed"
    history = await life.handle.fetch_history()
    size = sum(event.ByteSize() for event in history.events)
    print(f"{what}: {len(history.events)} events, {size} bytes")  # noqa: T201
    assert len(history.events) <= EVENTS_MAX
    assert size <= BYTES_MAX
