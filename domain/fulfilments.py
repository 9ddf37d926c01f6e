"""What we ask of a warehouse and a carrier for one location's share, and their answers."""

from typing import Literal

from domain.ids import OrderId
from domain.money import Money
from domain.orders import LineRef
from domain.stock import ShortPick, SkuQuantity
from domain.values import Message


class PackRequest(Message):
    """Ask `location` to pick and pack; `reference` is the effect's key and the warehouse's too.

    `lines` are what was sold, `items` what is to be picked for them.
    """

    order_id: OrderId
    reference: str
    location: str
    lines: tuple[LineRef, ...]
    items: tuple[SkuQuantity, ...]
    address_version: int


class FulfilmentRef(Message):
    """A fulfilment that a warehouse knows by our `reference`; `key` is the effect's."""

    order_id: OrderId
    key: str
    reference: str
    location: str
    address_version: int = 1


class PackedParcel(Message):
    """A closed box; weight in grams, sides in millimetres."""

    weight_g: int
    length_mm: int
    width_mm: int
    height_mm: int


class PackAccepted(Message):
    kind: Literal["accepted"] = "accepted"


class PackRejected(Message):
    kind: Literal["rejected"] = "rejected"
    reason: str
    """A code: `no_stock`, `damaged`, `closed`, `short`, `other`."""
    short: tuple[ShortPick, ...] = ()
    """What the picker did not find: the record is corrected, and the order sourced again."""


class Packed(Message):
    kind: Literal["packed"] = "packed"
    parcels: tuple[PackedParcel, ...]


class Recalled(Message):
    kind: Literal["recalled"] = "recalled"


class HandedOver(Message):
    """The goods have left the warehouse."""

    kind: Literal["handed_over"] = "handed_over"


class NotThere(Message):
    """The warehouse has never heard of the reference."""

    kind: Literal["not_there"] = "not_there"


class LabelRequest(Message):
    """Rate and buy one label for one parcel, from `location` to the address version."""

    order_id: OrderId
    key: str
    location: str
    lines: tuple[LineRef, ...]
    parcel: PackedParcel
    address_version: int


class Label(Message):
    """A bought label: `shipment_ref` is the carrier's own id, which voids it."""

    kind: Literal["label"] = "label"
    shipment_ref: str
    carrier: str
    tracking_number: str
    label_url: str
    tracking_url: str = ""
    cost: Money


class LabelRef(Message):
    """The label to void: known by the key it was bought under, though its answer may be lost."""

    order_id: OrderId
    key: str
    bought_key: str


class Voided(Message):
    """The label is void, or was never bought."""

    kind: Literal["voided"] = "voided"


class HandOverRequest(Message):
    """Tell the warehouse each parcel's label, in its order; then they are the carrier's."""

    order_id: OrderId
    key: str
    reference: str
    location: str
    labels: tuple[Label, ...]
    reservation_key: str


class ShippedParcel(Message):
    carrier: str
    tracking_number: str
    tracking_url: str = ""


class ShippedNotice(Message):
    """Tell the channel, once, that these lines left in these parcels; which in which is unknown.

    What left without a label has no parcels.
    """

    order_id: OrderId
    key: str
    channel: str
    lines: tuple[LineRef, ...]
    parcels: tuple[ShippedParcel, ...]


class Told(Message):
    """The channel knows; `ref` is its own id of what it now knows.

    `already`: its own staff had told it, so that nothing was left to tell.
    """

    kind: Literal["told"] = "told"
    ref: str
    already: bool = False
