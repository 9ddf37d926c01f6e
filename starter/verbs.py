"""What people may tell an order or a return: one function each, for the API and the command line.

A verb is a row of the inbox first. It is heard even if its workflow has not started, or Temporal
is down; whoever said it waits a moment for it to take effect. `key` is its event key there: said
again under the same key, it is the same command.
"""

import asyncio
import json
import time
from dataclasses import dataclass
from hashlib import sha256

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
from storage.inbox import CommandState, Kept

API = "api"
OPERATOR = "operator"
TAKES_EFFECT_WITHIN_S = 5.0
LOOK_FIRST_S = 0.01
LOOK_MAX_S = 0.1
ASKED = "asked"
"""Where a verb's row keeps the digest of what was asked for; workflows do not read it."""


class KeyReused(Exception):
    """The key, which names the caller and what it says, was used to say something else."""


@dataclass(frozen=True)
class Which:
    """A return and its order."""

    order_id: OrderId
    return_id: ReturnId


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


async def hold(on: Composition, order_id: OrderId, verb: Hold, key: str) -> CommandState:
    return await _say(on, "hold", verb, order_id, key)


async def release(on: Composition, order_id: OrderId, verb: Release, key: str) -> CommandState:
    return await _say(on, "release", verb, order_id, key)


async def cancel(on: Composition, order_id: OrderId, verb: Cancel, key: str) -> CommandState:
    return await _say(on, "cancel", verb, order_id, key)


async def retry(on: Composition, order_id: OrderId, verb: Retry, key: str) -> CommandState:
    return await _say(on, "retry", verb, order_id, key)


async def add_address(on: Composition, order_id: OrderId, address: Address, by: str) -> int:
    """Keep another version of the address, without using it. Returns its number."""
    return await on.wired.intake.add_address(order_id, address, by=by)


async def fix_address(
    on: Composition, order_id: OrderId, address: Address, by: str, key: str
) -> CommandState:
    """Keep another version of the address and use it."""
    asked = _digest("fix_address", order_id, address.model_dump_json())
    if earlier := await _said_before(on, key, asked):
        return await _settled(on, earlier.event_id)
    version = await add_address(on, order_id, address, by)
    where = Destination(country=address.country, postal_code=address.postal_code)
    verb = FixAddress(address_version=version, destination=where, by=by)
    return await _say(on, "fix_address", verb, order_id, key, asked)


async def request_return(
    on: Composition, order_id: OrderId, lines: tuple[ReturnLine, ...], by: str, key: str
) -> tuple[ReturnId, CommandState]:
    """Ask for a return; its id follows from the key."""
    return_id = ReturnId(f"r{sha256(key.encode()).hexdigest()[:16]}")
    verb = RequestReturn(return_id=return_id, lines=lines, by=by)
    return return_id, await _say(on, "request_return", verb, order_id, key)


async def receive_return(on: Composition, which: Which, by: str, key: str) -> CommandState:
    return await _say_to_return(on, "received", ReturnReceived(by=by), which, key)


async def inspect_return(
    on: Composition, which: Which, lines: tuple[InspectedLine, ...], by: str, key: str
) -> CommandState:
    return await _say_to_return(on, "inspected", ReturnInspected(lines=lines, by=by), which, key)


async def cancel_return(on: Composition, which: Which, by: str, key: str) -> CommandState:
    return await _say_to_return(on, "cancel", Cancel(by=by), which, key)


async def retry_return(on: Composition, which: Which, by: str, key: str) -> CommandState:
    return await _say_to_return(on, "retry", Retry(by=by), which, key)


async def _say_to_return(
    on: Composition, name: str, verb: Verb, which: Which, key: str
) -> CommandState:
    return await _say(on, f"return/{which.return_id}/{name}", verb, which.order_id, key)


async def _say(  # noqa: PLR0917 - what is said, of what, under which key
    on: Composition, kind: str, verb: Verb, order_id: OrderId, key: str, asked: str = ""
) -> CommandState:
    """Keep it, once for each key, and see what comes of it."""
    # a field that comes later must not make an earlier command another one: no defaults
    said = verb.model_dump(mode="json", exclude={"command_id", "by"}, exclude_defaults=True)
    asked = asked or _digest(kind, order_id, json.dumps(said))
    body = json.dumps({**said, ASKED: asked}).encode()
    receipt = await on.wired.inbox.put(OPERATOR, kind, key, body, order_id=order_id, by=verb.by)
    if receipt.duplicate:
        await _said_before(on, key, asked)
    on.awake.set()
    return await _settled(on, receipt.event_id)


async def _said_before(on: Composition, key: str, asked: str) -> Kept | None:
    """What was said under this key, if anything.

    Raises:
        KeyReused: it was something else.
    """
    earlier = await on.wired.inbox.kept(OPERATOR, key)
    if earlier is not None and json.loads(earlier.body).get(ASKED) != asked:
        raise KeyReused
    return earlier


def _digest(kind: str, order_id: OrderId, asked: str) -> str:
    return sha256(f"{kind}\n{order_id}\n{asked}".encode()).hexdigest()


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
