"""Activities on our own rows: check an order, write down what a workflow says of itself."""

from temporalio import activity

from domain.ids import OrderId
from domain.orders import Destination
from domain.ports import OrderBook
from domain.records import OrderRecord, ReturnRecord
from domain.validation import Invalid, Validated, validate
from domain.values import Message

OWN_STATE = frozenset({"record", "record_return"})
"""The activities that write down what a workflow says of itself."""


class ValidateRequest(Message):
    order_id: OrderId
    address_version: int


class OrderActivities:
    def __init__(self, book: OrderBook) -> None:
        self._book = book

    @activity.defn(name="validate")
    async def validate(self, request: ValidateRequest) -> Validated | Invalid:
        """Check the order and its address version; a normalised address becomes a new version."""
        order = await self._book.load(request.order_id, request.address_version)
        known = await self._book.known_skus(frozenset(line.sku for line in order.lines))
        verdict = validate(order, known)
        version = await self._book.save_verdict(request.order_id, request.address_version, verdict)
        if verdict.outcome == "problems":
            return Invalid(
                address=tuple(f"{p.field}: {p.reason}" for p in verdict.address_problems),
                data=tuple(f"{p.field}: {p.reason}" for p in verdict.data_problems),
            )
        address = verdict.address or order.address
        return Validated(
            address_version=version,
            destination=Destination(country=address.country, postal_code=address.postal_code),
        )

    @activity.defn(name="record")
    async def record(self, record: OrderRecord) -> None:
        await self._book.record(record)

    @activity.defn(name="record_return")
    async def record_return(self, record: ReturnRecord) -> None:
        await self._book.record_return(record)
