"""What an inspection may find of a return: at most what was announced, each line once."""

import pytest

from domain.returns import InspectedLine, ReturnLine, ReturnReason, inspection_refusal

ANNOUNCED = (
    ReturnLine(line_id="L1", sku="MUG", quantity=2, reason=ReturnReason.UNWANTED),
    ReturnLine(line_id="L2", sku="BOWL", quantity=1, reason=ReturnReason.DAMAGED),
)


def found(line_id: str, sku: str, restock: int, discard: int, refund: int) -> InspectedLine:
    return InspectedLine(line_id=line_id, sku=sku, restock=restock, discard=discard, refund=refund)


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (found("L1", "MUG", 0, 0, 0),),
        (found("L1", "MUG", 1, 1, 2), found("L2", "BOWL", 0, 1, 1)),
        (found("L2", "BOWL", 0, 0, 1),),
    ],
)
def test_less_may_come_than_was_announced_and_be_refunded(lines: tuple[InspectedLine, ...]) -> None:
    assert inspection_refusal(ANNOUNCED, lines) == ""


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ((found("L3", "MUG", 1, 0, 0),), "no such line"),
        ((found("L1", "BOWL", 1, 0, 0),), "no such line"),
        ((found("L1", "MUG", 1, 0, 0), found("L1", "MUG", 1, 0, 0)), "or twice"),
        ((found("L1", "MUG", -1, 1, 0),), "negative"),
        ((found("L1", "MUG", 2, 1, 0),), "more than was announced"),
        ((found("L2", "BOWL", 1, 0, 2),), "more than was announced"),
    ],
)
def test_nothing_else_may_come(lines: tuple[InspectedLine, ...], why: str) -> None:
    refusal = inspection_refusal(ANNOUNCED, lines)
    assert refusal.startswith("lines: ")
    assert why in refusal
