"""HiGHS, an exact solver of integer programs, on those of `domain.sourcing.together`."""

from collections.abc import Sequence

import highspy
import numpy as np

from domain.sourcing.together import Program, Solution

THREADS = 1
"""Else the same program may end with another of several best solutions."""


class HighsSolver:
    """Costs are whole numbers: it stops at less than one above the bound, which is the optimum."""

    def minimise(self, program: Program, start: Sequence[int], limit_s: float) -> Solution:
        """The best found within the time, never worse than `start`, which must be feasible."""
        if not program.costs:
            return Solution(values=(), cost=0, bound=0.0)
        solver = highspy.Highs()  # type: ignore[no-untyped-call]
        solver.silent()
        options = {"threads": THREADS, "time_limit": limit_s, "random_seed": 0,
                   "mip_rel_gap": 0.0, "mip_abs_gap": 0.99}  # fmt: skip
        for name, value in options.items():
            solver.setOptionValue(name, value)
        solver.passModel(_model(program))
        begun = highspy.HighsSolution()
        begun.col_value = [float(value) for value in start]
        solver.setSolution(begun)
        solver.run()
        values = tuple(round(value) for value in solver.getSolution().col_value)
        return Solution(
            values=values,
            cost=sum(cost * value for cost, value in zip(program.costs, values, strict=True)),
            bound=solver.getInfo().mip_dual_bound,
        )


def _model(program: Program) -> highspy.HighsLp:
    """The program as HiGHS takes it: rows one after the other, their terms in one list."""
    many, infinity = len(program.costs), highspy.kHighsInf
    model = highspy.HighsLp()
    model.num_col_ = many
    model.num_row_ = len(program.rows)
    model.col_cost_ = np.array(program.costs, dtype=np.float64)
    model.col_lower_ = np.zeros(many)
    model.col_upper_ = np.array(program.uppers, dtype=np.float64)
    model.integrality_ = [highspy.HighsVarType.kInteger] * many
    model.row_lower_ = np.array(
        [-infinity if least is None else least for least, _, _ in program.rows], dtype=np.float64
    )
    model.row_upper_ = np.array(
        [infinity if most is None else most for _, most, _ in program.rows], dtype=np.float64
    )
    terms = [term for _, _, row in program.rows for term in row]
    sizes = [len(row) for _, _, row in program.rows]
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = np.concatenate(([0], np.cumsum(sizes))).astype(np.int32)
    model.a_matrix_.index_ = np.array([column for column, _ in terms], dtype=np.int32)
    model.a_matrix_.value_ = np.array([factor for _, factor in terms], dtype=np.float64)
    return model
