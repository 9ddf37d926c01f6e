"""What people may tell an order or a return: one function each, for the API and the command line.

A verb is a row of the inbox first. It is heard even if its workflow has not started, or Temporal
is down; whoever said it waits a moment for it to take effect.
"""

import asyncio
import secrets
import time

from config.inbound import ORDER_CREATED
from domain.addresses import Address
from domain.ids import OrderId, ReturnId
from domain.orders import Destination, Order
from domain.returns import InspectedLine, ReturnLine
from domain.verbs import (
    Cancel,
    FixAddress,
    Hold,
    Release,
    RequestReturn,
    Retry,
    ReturnInspected,
    ReturnReceived,
    Verb,
)
from starter.composition import Composition
from storage.inbox import CommandState

API = "api"
OPERATOR = "operator"
TAKES_EFFECT_WITHIN_S = 5.0
LOOK_FIRST_S = 0.01
LOOK_MAX_S = 0.1


async def start_order(on: Composition, order: Order, by: str) -> bool:
    """Take in an order that came through our own API. False: we have one of its id.

    Its row in the inbox comes first, so that the relay starts it even if we die here.
    """
    if await on.wired.progress.of_order(order.order_id) is not None:
        return False
    receipt = await on.wired.inbox.put(
        API,
        ORDER_CREATED,
        order.order_id,
        order.model_dump_json().encode(),
        order_id=order.order_id,
        by=by,
    )
    if receipt.duplicate:
        return False
    await on.wired.intake.accept(order)
    on.awake.set()
    return True


async def hold(on: Composition, order_id: OrderId, verb: Hold) -> CommandState:
    return await _say(on, "hold", verb, order_id)


async def release(on: Composition, order_id: OrderId, verb: Release) -> CommandState:
    return await _say(on, "release", verb, order_id)


async def cancel(on: Composition, order_id: OrderId, verb: Cancel) -> CommandState:
    return await _say(on, "cancel", verb, order_id)


async def retry(on: Composition, order_id: OrderId, verb: Retry) -> CommandState:
    return await _say(on, "retry", verb, order_id)


async def add_address(on: Composition, order_id: OrderId, address: Address, by: str) -> int:
    """Keep another version of the address, without using it. Returns its number."""
    return await on.wired.intake.add_address(order_id, address, by=by)


async def fix_address(
    on: Composition, order_id: OrderId, address: Address, by: str
) -> CommandState:
    """Keep another version of the address and use it."""
    version = await add_address(on, order_id, address, by)
    where = Destination(country=address.country, postal_code=address.postal_code)
    verb = FixAddress(address_version=version, destination=where, by=by)
    return await _say(on, "fix_address", verb, order_id)


async def request_return(
    on: Composition, order_id: OrderId, lines: tuple[ReturnLine, ...], by: str
) -> tuple[ReturnId, CommandState]:
    """Ask for a return; its id is given out here."""
    return_id = ReturnId(f"r{secrets.token_hex(8)}")
    verb = RequestReturn(return_id=return_id, lines=lines, by=by)
    return return_id, await _say(on, "request_return", verb, order_id)


async def receive_return(
    on: Composition, order_id: OrderId, return_id: ReturnId, by: str
) -> CommandState:
    return await _say_to_return(on, "received", ReturnReceived(by=by), order_id, return_id)


async def inspect_return(
    on: Composition,
    order_id: OrderId,
    return_id: ReturnId,
    lines: tuple[InspectedLine, ...],
    by: str,
) -> CommandState:
    verb = ReturnInspected(lines=lines, by=by)
    return await _say_to_return(on, "inspected", verb, order_id, return_id)


async def cancel_return(
    on: Composition, order_id: OrderId, return_id: ReturnId, by: str
) -> CommandState:
    return await _say_to_return(on, "cancel", Cancel(by=by), order_id, return_id)


async def retry_return(
    on: Composition, order_id: OrderId, return_id: ReturnId, by: str
) -> CommandState:
    return await _say_to_return(on, "retry", Retry(by=by), order_id, return_id)


async def _say_to_return(
    on: Composition, name: str, verb: Verb, order_id: OrderId, return_id: ReturnId
) -> CommandState:
    return await _say(on, f"return/{return_id}/{name}", verb, order_id)


async def _say(on: Composition, kind: str, verb: Verb, order_id: OrderId) -> CommandState:
    body = verb.model_dump_json(exclude={"command_id", "by"}).encode()
    receipt = await on.wired.inbox.put(
        OPERATOR, kind, secrets.token_hex(16), body, order_id=order_id, by=verb.by
    )
    on.awake.set()
    return await _settled(on, receipt.event_id)


async def _settled(on: Composition, event_id: str) -> CommandState:
    """Look until it took effect, was refused or went to an operator, or the time is up."""
    deadline = time.monotonic() + TAKES_EFFECT_WITHIN_S
    look_s = LOOK_FIRST_S
    while True:
        state = await on.wired.inbox.state(event_id)
        if state is None:
            raise LookupError(event_id)
        if state.settled_at or state.parked_at or time.monotonic() + look_s > deadline:
            return state
        await asyncio.sleep(look_s)
        look_s = min(LOOK_MAX_S, 1.5 * look_s)
