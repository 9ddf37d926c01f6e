"""A rule set is refused that no order could wait under."""

import pytest
from pydantic import ValidationError

from domain.sourcing.rules import PRIORITY_MAX, RuleSet


@pytest.mark.parametrize("priority", [PRIORITY_MAX + 1, -PRIORITY_MAX - 1, 3_000_000_000, 10**40])
def test_a_priority_that_the_queue_cannot_hold_is_named(priority: int) -> None:
    with pytest.raises(ValidationError) as refused:
        RuleSet(priorities={"demo": priority})
    assert [error["loc"] for error in refused.value.errors()] == [("priorities", "demo")]


@pytest.mark.parametrize("priority", [PRIORITY_MAX, -PRIORITY_MAX])
def test_the_queue_holds_any_priority_that_a_rule_set_may_name(priority: int) -> None:
    """A 32-bit integer in the database, with its opposite."""
    assert RuleSet(priorities={"demo": priority}).priority("demo") == priority
    assert -(2**31) < priority < 2**31
