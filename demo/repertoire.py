"""The lives that orders lead on this day: what befalls each, and what must come of it."""

from dataclasses import dataclass, field

from demo import goods_scenarios as goods
from demo import scenarios as play
from demo.judge import Expected
from demo.stage import Play


@dataclass(frozen=True)
class Scenario:
    """`title` says what happens, `outcome` what must come of it, in words."""

    title: str
    outcome: str
    play: Play
    expected: Expected = field(default_factory=Expected)
    sells: bool = True
    tasks: tuple[str, ...] = ()
    """Kinds of the tasks that operators get of it."""
    tells_why: bool = False
    """Whether the day ends with why its first order went where it went."""


NOTHING_LEFT = Expected(status="cancelled", left=0)
TWO_PARTS = Expected(labels_bought=2, left=2, accepted=2)

SALE = Scenario("plain sales", "one parcel, delivered", play.sold, tells_why=True)
DUPLICATES = Scenario("webhook sent four times", "one order", play.told_four_times)
EARLY = Scenario("update before its create", "waits for its order", play.updated_before_created)
ADDRESS = Scenario("undeliverable address", "fixed by an operator", play.address_mended)
MOVED = Scenario(
    "moved after the label",
    "voided, another bought",
    play.moved_after_label,
    Expected(labels_bought=2),
)
PENDING = Scenario("payment pending first", "goes on when paid", play.paid_later)
SHORT = Scenario("out of stock", "goes on when goods come", goods.out_of_stock, tells_why=True)
REJECTED = Scenario(
    "warehouse rejects",
    "another location sends",
    play.rejected,
    Expected(accepted=2, rejected=1),
    tells_why=True,
)
CARRIER_DOWN = Scenario("carrier down for 15 s", "goes on when it is back", play.carrier_down)
LOST_LABEL = Scenario("label's answer lost", "bought once", play.label_answer_lost)
LOST_CAPTURE = Scenario("capture's answer lost", "captured once", play.capture_answer_lost)
BUSY = Scenario("warehouse says 429", "asked again later", play.warehouse_too_busy)
REFUSED = Scenario("carrier refuses", "an operator tries again", play.carrier_refuses)
IN_TIME = Scenario("cancelled in time", "taken back, unpaid", play.cancelled_in_time, NOTHING_LEFT)
IN_FLIGHT = Scenario(
    "cancelled mid-purchase", "no live label left", play.cancelled_in_flight, NOTHING_LEFT
)
TOO_LATE = Scenario("cancelled too late", "409, and it arrives", play.cancelled_too_late)
HELD = Scenario("held and released", "stands still, goes on", play.held_and_released)
CUSTOMS = Scenario("stuck in customs", "waits on customs", play.stuck_in_customs)
SCANS = Scenario("scans doubled and late", "never moves backwards", play.scans_repeated)
RETURNED = Scenario(
    "return with refund", "restocked and refunded", play.returned, Expected(returned_lines=(0,))
)
SPLIT = Scenario(
    "no place has it all", "two parcels, charged once", play.split, TWO_PARTS, tells_why=True
)
BUNDLE = Scenario("a bundle", "its parts from one place", play.sold, tells_why=True)
GIFT_CARD = Scenario(
    "goods with a gift card",
    "goods back, card paid",
    play.returned,
    Expected(returned_lines=(0,)),
)
REST_CANCELLED = Scenario(
    "rest cancelled",
    "one part left, rest refunded",
    play.rest_cancelled,
    Expected(cancelled_lines=(1,)),
    tells_why=True,
)
NOT_IN_STOCK = Scenario(
    "picker finds nothing",
    "record zeroed, sent elsewhere",
    goods.not_in_stock,
    Expected(accepted=2, rejected=1, corrected=frozenset({("berlin", "LAMP", -3, 0)})),
    tells_why=True,
)
BROKEN = Scenario(
    "picker finds it broken",
    "moved to damaged, sent again",
    goods.broken_on_the_shelf,
    Expected(accepted=2, rejected=1, corrected=frozenset({("leeds", "VASE", 0, 1)})),
)
BACKORDERED = Scenario(
    "backordered", "promised, late, then sent", goods.backordered, tells_why=True
)
TRANSFERRED = Scenario("lies elsewhere", "a transfer brings it", goods.transferred, tells_why=True)
UNREADABLE = Scenario(
    "unreadable body", "a task for an operator", play.unreadable, sells=False, tasks=("unreadable",)
)
