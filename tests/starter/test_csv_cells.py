"""What a cell of a CSV file must look like: nothing is read that may mean something else."""

from datetime import date, time
from typing import Any

import pytest

from domain.locations import Location
from domain.values import Value
from starter.csv_imports import BundleRow
from starter.csv_judging import said_in
from starter.problems import Refusal
from starter.stock_imports import StockRow
from storage.catalogue import CatalogueSku
from tests.starter.goods import with_goods
from tests.starter.test_csv_imports import LOCATIONS, levels, problems, report
from tests.starter.world import World


@pytest.mark.parametrize(
    ("kind", "column", "cell", "field"),
    [
        (StockRow, "quantity", "1.000", "quantity"),
        (StockRow, "quantity", "1,000", "quantity"),
        (StockRow, "quantity", "1_000", "quantity"),
        (StockRow, "quantity", "1e3", "quantity"),
        (StockRow, "quantity", "\u0661", "quantity"),
        (BundleRow, "quantity", "2.0", "quantity"),
        (CatalogueSku, "weight_g", "1.000", "weight_g"),
        (CatalogueSku, "backorder_max", "10.000", "backorder_max"),
        (Location, "capacity_per_day", "1.000", "capacity_per_day"),
        (Location, "parcel_weight_max_g", "30.000", "parcel_weight_max_g"),
        (Location, "cost_minor", "5.00", "cost_minor"),
        (Location, "weekdays", "1 2.0 3", "weekdays.1"),
        (Location, "holidays", "86400", "holidays.0"),
        (Location, "holidays", "2026-12-25;2026-12-26T00:00", "holidays.1"),
        (Location, "holidays", "25.12.2026", "holidays.0"),
        (Location, "cut_off", "15", "cut_off"),
        (Location, "cut_off", "15.30", "cut_off"),
    ],
)
def test_a_cell_that_may_mean_another_number_or_day_is_refused(
    kind: type[Value], column: str, cell: str, field: str
) -> None:
    with pytest.raises(Refusal) as refused:
        said_in(kind, {column: cell})
    (problem,) = refused.value.problems
    assert problem.field == field
    assert problem.message.startswith("must be")


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ("capacity_per_day", "1000", 1000),
        ("capacity_per_day", "+7", 7),
        ("capacity_per_day", "007", 7),
        ("holidays", "2026-12-25; 2026-12-26;", (date(2026, 12, 25), date(2026, 12, 26))),
        ("weekdays", "1 2;3", (1, 2, 3)),
        ("cut_off", "15:30", time(15, 30)),
        ("cut_off", "15:30:00", time(15, 30)),
    ],
)
def test_numbers_are_digits_and_days_are_as_iso_8601_writes_them(
    column: str, cell: str, value: Any
) -> None:
    said = said_in(Location, {column: cell})
    address = {"city": "Berlin", "country": "DE"}
    entry = {"location": "berlin", "name": "Berlin", "timezone": "UTC", "address": address}
    assert getattr(Location.model_validate(entry | said), column) == value


async def test_a_thousand_written_with_a_point_is_not_one(world: World) -> None:
    await with_goods(world)
    csv = "sku;location;quantity\nCUP;berlin;1.000\nPOT;berlin;12\n"
    assert await problems(world, "stock", csv) == [(2, "quantity", "int_parsing")]
    assert await levels(world) == {("POT", "berlin"): 12}
    skus = "sku;weight_g;backorder_max\nCUP;1.000;2.000\n"
    assert await problems(world, "skus", skus) == [
        (2, "weight_g", "int_parsing"),
        (2, "backorder_max", "int_parsing"),
    ]


async def test_a_number_among_the_holidays_is_no_day(world: World) -> None:
    wrong = LOCATIONS.replace("2026-12-25", "86400")
    assert await problems(world, "locations", wrong) == [(2, "holidays.0", "date_parsing")]
    assert await report(world, "locations", LOCATIONS) == (1, 0, 0, 0)
