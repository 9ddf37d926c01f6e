"""Orders of our own API: what their customers pay is what we say."""

from adapters.channels.direct import DirectChannel
from domain.money import Money
from domain.orders import Order
from domain.payments import CancelRequest, Captured, CaptureRequest
from storage.engine import create_engine
from storage.returns import Returns


async def test_nobody_is_paid_for_an_order_whose_total_is_below_zero(
    order: Order, database_url: str
) -> None:
    engine = create_engine(database_url, 1)
    channel = DirectChannel(Returns(engine))
    nothing = Money.zero("EUR")
    below = order.totals.model_copy(update={"total": nothing - order.totals.total})
    bought = order.model_copy(update={"totals": below})
    capture = CaptureRequest(order_id=order.order_id, key="k", channel="api")
    assert await channel.capture(capture, bought) == Captured(amount=nothing, ref="k")
    cancel = CancelRequest(order_id=order.order_id, key="k", channel="api", reason="requested")
    assert (await channel.cancel(cancel, bought)).refunded == nothing
    await engine.dispose()
