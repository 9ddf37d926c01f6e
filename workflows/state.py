"""What an order's workflow knows of its order, and how that is written down."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from temporalio import workflow

from domain.fulfilments import Label
from domain.ids import effect_key
from domain.lifecycles import ENDED, ORDER, FulfilmentStatus, OrderStatus, may_follow
from domain.money import Money
from domain.orders import LineRef, OrderInput, PaymentStatus
from domain.records import HoldRecord, MoneyRecord, OrderRecord
from domain.validation import HoldReason
from workflows.conduct import Conduct
from workflows.fulfilment_state import FulfilmentState

Status = OrderStatus


class OrderState:
    """The state of one order. Every change tells `conduct` that there is something to write."""

    def __init__(self, order: OrderInput, conduct: Conduct) -> None:
        self._conduct = conduct
        self._telling = conduct.telling
        self._decided: OrderStatus | None = None
        self._checked = False
        self.order = order
        self.status = Status.RECEIVED
        self.payment = order.payment
        self.address_version = order.address_version
        self.destination = order.destination
        self.holds: dict[str, HoldRecord] = {}
        self.fulfilments: list[FulfilmentState] = []
        self.cancelled_lines: tuple[LineRef, ...] = ()
        self.money: list[MoneyRecord] = []
        self.returns_until: datetime | None = None
        if order.payment is PaymentStatus.PENDING:
            self.hold_for_system(HoldReason.PAYMENT, ("payment: pending",))

    # -- the status

    def settle(self) -> None:
        """The status follows from what was decided, and else from the fulfilments."""
        status = self._decided or self._derived()
        if not may_follow(ORDER, self.status, status):
            raise AssertionError(f"{self.status} is never followed by {status}")
        if status is not self.status:
            self.status = status
            self._telling.note(f"status_{status}")

    def decide(self, status: OrderStatus | None) -> None:
        """`cancelling`, `cancelled` or `closed`; None to leave it to the fulfilments again."""
        self._decided = status
        self.settle()

    @property
    def checked(self) -> bool:
        """Whether lines, totals, contacts and the address in use have been found in order."""
        return self._checked

    @checked.setter
    def checked(self, checked: bool) -> None:
        self._checked = checked
        self.settle()

    def _derived(self) -> OrderStatus:
        at_work = {fulfilment.status for fulfilment in self.at_work}
        if self.has_left:
            return self._on_its_way(at_work) if self.all_left else Status.PARTLY_SHIPPED
        if at_work - {FulfilmentStatus.PLANNED}:
            return Status.FULFILLING
        if at_work:
            return Status.RESERVED
        return Status.VALIDATED if self._checked else Status.RECEIVED

    def _on_its_way(self, statuses: set[FulfilmentStatus]) -> OrderStatus:
        if FulfilmentStatus.HANDED_OVER in statuses:
            return Status.SHIPPED
        delivered = statuses == {FulfilmentStatus.DELIVERED}
        return Status.DELIVERED if delivered else Status.UNDELIVERED

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    # -- holds

    def hold(self, hold: HoldRecord) -> None:
        self.holds[hold.hold_id] = hold
        self._telling.touch()

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
        self._telling.note("held", why=str(reason), data={"problems": "; ".join(problems)})

    def lift(self, *hold_ids: str, why: str = "") -> None:
        """Take holds back, if they are set."""
        for hold_id in hold_ids:
            if self.holds.pop(hold_id, None):
                self._telling.note("released", why=why, data={"hold_id": hold_id})

    # -- fulfilments

    @property
    def at_work(self) -> list[FulfilmentState]:
        """The fulfilments that something has come of, or may."""
        return [fulfilment for fulfilment in self.fulfilments if not fulfilment.over]

    @property
    def open_lines(self) -> tuple[LineRef, ...]:
        """What no fulfilment sends and nobody cancelled."""
        taken = _pieces(line for part in self.at_work for line in part.part.lines)
        taken += _pieces(self.cancelled_lines)
        left = _pieces(self.order.lines) - taken
        skus = {line.line_id: line.sku for line in self.order.lines}
        return tuple(
            LineRef(line_id=line_id, sku=skus[line_id], quantity=left[line_id])
            for line_id in skus
            if left[line_id] > 0
        )

    @property
    def is_empty(self) -> bool:
        """Whether there is no piece to send, and never was: there is nothing to go on with."""
        return not self.open_lines and not self.fulfilments

    @property
    def has_left(self) -> bool:
        """Whether any goods have left: they cannot be taken back any more."""
        return any(fulfilment.has_left for fulfilment in self.fulfilments)

    @property
    def all_left(self) -> bool:
        """Whether everything that is to be sent has left: the point of no return."""
        at_work = self.at_work
        return bool(at_work) and all(part.has_left for part in at_work) and not self.open_lines

    @property
    def unseen(self) -> list[FulfilmentState]:
        """What has left and no carrier can speak of."""
        return [part for part in self.fulfilments if part.only_people_know]

    def came_from(self, line_id: str) -> str:
        """The location that sent (the first pieces of) this line."""
        sent = [part for part in self.fulfilments if part.has_left]
        bore = [part for part in sent if any(n.line_id == line_id for n in part.part.lines)]
        return (bore or sent)[0].location

    def pieces(self, status: FulfilmentStatus) -> Counter[str]:
        """The pieces of each line in fulfilments of this status."""
        there = (part for part in self.fulfilments if part.status is status)
        return _pieces(line for part in there for line in part.part.lines)

    @property
    def labels(self) -> tuple[Label, ...]:
        return tuple(label for part in self.fulfilments for label in part.labels)

    # -- money

    def book(self, kind: str, amount: Money, ref: str) -> None:
        """Enter a movement of money into the order's ledger."""
        key = effect_key(self.order.order_id, kind, len(self.money) + 1)
        self.money.append(MoneyRecord(key=key, kind=kind, amount=amount, ref=ref))
        self._telling.note(
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
            cancelled_lines=self.cancelled_lines,
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


def _pieces(lines: Iterable[LineRef]) -> Counter[str]:
    pieces: Counter[str] = Counter()
    for line in lines:
        pieces[line.line_id] += line.quantity
    return pieces
