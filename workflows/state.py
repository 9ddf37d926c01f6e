"""What an order's workflow knows of its order, and how that is written down."""

from datetime import datetime

from temporalio import workflow

from domain.ids import effect_key
from domain.lifecycles import ENDED, ORDER, OrderStatus, may_follow
from domain.money import Money
from domain.orders import OrderInput, PaymentStatus
from domain.records import HoldRecord, MoneyRecord, OrderRecord
from domain.validation import HoldReason
from workflows.conduct import Conduct
from workflows.fulfilment import Fulfilment, Rejected


class OrderState:
    """The state of one order. Every change tells `conduct` that there is something to write."""

    def __init__(self, order: OrderInput, conduct: Conduct) -> None:
        self._conduct = conduct
        self.order = order
        self.status = OrderStatus.RECEIVED
        self.payment = order.payment
        self.address_version = order.address_version
        self.destination = order.destination
        self.holds: dict[str, HoldRecord] = {}
        self.fulfilments: list[Fulfilment] = []
        self.money: list[MoneyRecord] = []
        self.returns_until: datetime | None = None
        if order.payment is PaymentStatus.PENDING:
            self.hold_for_system(HoldReason.PAYMENT, ("payment: pending",))

    def advance(self, status: OrderStatus) -> None:
        """Go on to `status`; a way that the lifecycle does not know is a bug."""
        if not may_follow(ORDER, self.status, status):
            raise AssertionError(f"{self.status} is never followed by {status}")
        if status is not self.status:
            self.status = status
            self._conduct.note(f"status_{status}")

    # -- holds

    def hold(self, hold: HoldRecord) -> None:
        self.holds[hold.hold_id] = hold
        self._conduct.touch()

    def hold_for_system(self, reason: HoldReason, problems: tuple[str, ...]) -> None:
        """Set one of the system's own holds; there is at most one of each."""
        self.hold(
            HoldRecord(
                hold_id=str(reason),
                reason=str(reason),
                by="holdfast",
                since=workflow.now(),
                problems=problems,
            )
        )
        self._conduct.note("held", why=str(reason), data={"problems": "; ".join(problems)})

    def lift(self, *hold_ids: str) -> None:
        """Take holds back, if they are set."""
        for hold_id in hold_ids:
            if self.holds.pop(hold_id, None):
                self._conduct.note("released", data={"hold_id": hold_id})

    # -- fulfilments and money

    @property
    def fulfilment(self) -> Fulfilment | None:
        """The fulfilment at work; None before the first and after one that came to nothing."""
        if self.fulfilments and not self.fulfilments[-1].over:
            return self.fulfilments[-1]
        return None

    @property
    def rejection(self) -> Rejected | None:
        """Why the warehouse will not pack, until the life has heard it."""
        return self.fulfilments[-1].rejection if self.fulfilments else None

    @property
    def has_left(self) -> bool:
        """Whether goods have left: nothing can be taken back any more."""
        return any(fulfilment.has_left for fulfilment in self.fulfilments)

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    def book(self, kind: str, amount: Money, ref: str) -> None:
        """Enter a movement of money into the order's ledger."""
        key = effect_key(self.order.order_id, kind, len(self.money) + 1)
        self.money.append(MoneyRecord(key=key, kind=kind, amount=amount, ref=ref))
        self._conduct.note(
            kind, data={"amount_minor": amount.amount_minor, "currency": amount.currency}
        )

    @property
    def captured(self) -> Money | None:
        """What we captured; once, or not at all."""
        return next((entry.amount for entry in self.money if entry.kind == "captured"), None)

    # -- writing it down

    def record(self, seq: int) -> OrderRecord:
        """Everything but the news (journal and settled commands)."""
        return OrderRecord(
            order_id=self.order.order_id,
            seq=seq,
            status=self.status,
            wait=self._conduct.wait,
            holds=tuple(self.holds.values()),
            attention=self._conduct.attention,
            address_version=self.address_version,
            fulfilments=tuple(fulfilment.record() for fulfilment in self.fulfilments),
            money=tuple(self.money),
        )

    def sentence(self) -> str:
        """The state in words, for Temporal's UI."""
        wait = self._conduct.wait
        holds = ", ".join(f"{hold.reason} (`{hold.hold_id}`)" for hold in self.holds.values())
        parts = [f"**{self.status}**"]
        if wait:
            parts.append(wait.sentence())
        if holds:
            parts.append(f"held: {holds}")
        return "\n\n".join(parts)
