"""`python -m bench.batch`: orders that wait for scarce stock, assigned in turn and together."""

import argparse
import json
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from adapters.highs import HighsSolver
from bench.batch_instance import ORDERS, instance
from domain.sourcing.in_turn import in_turn, total_minor
from domain.sourcing.together import Together


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.batch", description=__doc__)
    parser.add_argument("--orders", type=int, default=ORDERS)
    parser.add_argument("--seconds", type=float, default=120, help="the solver's time")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    wanted = parser.parse_args()
    found = measure(wanted.orders, wanted.seconds)
    _show(found)
    if wanted.json:
        wanted.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


def measure(orders: int, limit_s: float) -> dict[str, float]:
    """`gap_minor` is how much the objective may still be above the optimum; 0 if it is proven."""
    cases = instance(orders)
    began = time.perf_counter()
    turn = in_turn(cases)
    turn_s = time.perf_counter() - began
    began = time.perf_counter()
    together = Together(cases)
    start = together.start(turn)
    solution = HighsSolver().minimise(together.program, start, limit_s)
    assigned = together.assigned(solution, turn)
    plans = assigned.plans
    both = turn.keys() & plans.keys()
    return {
        "orders": orders,
        "columns": len(together.program.costs),
        "rows": len(together.program.rows),
        "waiting_minor": together.waiting_minor,
        "in_turn_served": len(turn),
        "in_turn_cost_minor": total_minor(list(turn.values())),
        "in_turn_s": turn_s,
        "together_served": len(plans),
        "together_cost_minor": total_minor(list(plans.values())),
        "together_s": time.perf_counter() - began,
        "both_in_turn_minor": total_minor([turn[key] for key in both]),
        "both_together_minor": total_minor([plans[key] for key in both]),
        "proven": assigned.proven,
        "gap_minor": assigned.gap_minor,
        "priced_as_solved": together.objective_minor(plans) == solution.cost,
    }


def _show(found: dict[str, float]) -> None:
    table = Table("", "in turn", "together")
    served = (str(found["in_turn_served"]), str(found["together_served"]))
    table.add_row(f"served of {found['orders']}", *served)
    for label, name in (("cost", "cost_minor"), ("seconds", "s")):
        table.add_row(label, *(f"{found[f'{way}_{name}']:.2f}" for way in ("in_turn", "together")))
    Console().print(table)
    Console().print_json(json.dumps(found))


if __name__ == "__main__":
    sys.exit(main())
