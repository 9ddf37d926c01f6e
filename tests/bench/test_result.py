"""The bench's own sums: ranks, limits, and the steps that it reads from a history."""

from datetime import timedelta

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from bench.histories import Weighed, script, usual
from bench.result import Result, Round, Spread, Yardstick, middle
from bench.rounds import REAL, turns_of
from bench.twin import Step
from bench.yardsticks import BARE, TWIN


def _round(closed: float, twins: float) -> Round:
    return Round(5, 5, closed_per_s=closed, twins_per_s=twins, bares_per_s=20)


def _result(events: float, size: float) -> Result:
    one = Spread(1, 1, 1)
    yardstick = Yardstick(per_s=8, events=80, cpu_ms={"temporal": 100, "worker": 50})
    return Result(
        orders=1, rounds=(_round(4, 8),), labels_per_s=5, delivered_per_s=5, closed_per_s=4,
        burst_to_label_s=one, paced_per_s=2, paced_to_label_s=one, paced_to_delivered_s=one,
        events=Spread(events, events, events), history_bytes=Spread(size, size, size),
        usual_events={}, cpu_ms={"temporal": 200, "worker": 100}, others_share=0, idle_cpu_ms={},
        twin=yardstick, bare=yardstick,
    )  # fmt: skip


def test_ranks_are_the_nearest() -> None:
    assert Spread.of([float(n) for n in range(100, 0, -1)]) == Spread(50, 99, 100)
    assert Spread.of([7.0]) == Spread(7, 7, 7)


def test_a_history_at_its_limits_is_not_too_much_and_one_beyond_is() -> None:
    assert _result(100, 40_000).too_much() == []
    assert len(_result(101, 40_001).too_much()) == 2


def test_a_real_order_is_held_to_its_twin() -> None:
    result = _result(80, 16_000)
    assert (result.to_twin, result.to_twin_by_cpu) == (0.5, 0.5)


def test_the_middle_round_is_that_of_the_middle_ratio_and_not_of_the_middle_rate() -> None:
    slow, usual, fast = _round(2, 3), _round(6, 11), _round(4, 10)
    assert middle([slow, usual, fast]) is usual


def test_orders_are_beside_their_twins_in_every_round_and_first_in_every_other() -> None:
    assert [turns_of(n) for n in range(3)] == [
        (REAL, TWIN, BARE),
        (BARE, TWIN, REAL),
        (REAL, TWIN, BARE),
    ]


def test_the_usual_history_is_the_middle_one_by_events() -> None:
    light, middling, heavy = (Weighed("order", (HistoryEvent(),) * n) for n in (1, 2, 3))
    assert usual([heavy, light, middling]) is middling


def test_a_twin_takes_the_steps_of_a_history_and_hears_as_many_signals() -> None:
    asked = HistoryEvent(event_id=5, event_type=EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)
    asked.activity_task_scheduled_event_attributes.activity_type.name = "hand_over"
    asked.activity_task_scheduled_event_attributes.task_queue.name = "warehouse"
    heard = HistoryEvent(event_id=6, event_type=EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED)
    slept = HistoryEvent(event_id=7, event_type=EventType.EVENT_TYPE_TIMER_STARTED)
    timer = slept.timer_started_event_attributes
    timer.start_to_fire_timeout.FromTimedelta(timedelta(seconds=3))
    fired = HistoryEvent(event_id=8, event_type=EventType.EVENT_TYPE_TIMER_FIRED)
    fired.timer_fired_event_attributes.started_event_id = 7
    assert script([asked, heard, heard, slept, fired]) == (
        Step(kind="activity", name="hand_over", queue="warehouse", answers=2),
        Step(kind="signal"),
        Step(kind="signal"),
        Step(kind="sleep", seconds=3),
    )
