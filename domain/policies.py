"""The deadlines and caps an order lives by, fixed when it starts: workflows read no settings."""

from pydantic import Field

from domain.values import Message

DAY_S = 86_400
LONGEST_S = 10 * 365 * DAY_S
"""An order keeps its policy for life, and no timer of Temporal's would hold what is endless."""


class OrderPolicy(Message):
    """All times in seconds."""

    return_window_s: int = Field(default=30 * DAY_S, gt=0, le=LONGEST_S)
    """How long after delivery a return can be asked for."""
    retry_initial_s: float = Field(default=1.0, gt=0, le=LONGEST_S)
    retry_cap_s: float = Field(default=300.0, gt=0, le=LONGEST_S)
    """The longest pause between two tries of an outside call."""
    warehouse_check_s: int = Field(default=4 * 3_600, gt=0, le=LONGEST_S)
    """How long a warehouse may be silent before we ask it ourselves."""
    warehouse_checks_max: int = Field(default=60, ge=0)
    """After so many silent checks the order waits for an operator."""
    tracking_check_s: int = Field(default=DAY_S, gt=0, le=LONGEST_S)
    """How long a carrier may be silent before we ask it ourselves."""
    tracking_checks_max: int = Field(default=60, ge=0)
    """After so many silent checks the parcel waits for an operator."""
    stock_check_s: int = Field(default=DAY_S, gt=0, le=LONGEST_S)
    """How long an order waits for goods before it is sourced anew: rules, capacities change."""
    stock_checks_max: int = Field(default=60, ge=0)
    """After so many looks only goods that come in are waited for."""
    return_parcel_s: int = Field(default=30 * DAY_S, gt=0, le=LONGEST_S)
    """How long announced goods may be on their way back before an operator is asked."""
    verbs_max: int = Field(default=500, gt=0)
    """Verbs an order accepts in its life; a cancel is always accepted."""
