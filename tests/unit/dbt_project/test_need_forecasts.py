"""The forecast of the demand series: what a reader of the chart relies on."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest


@pytest.fixture(scope="module")
def forecasts(repository: Path) -> Callable[..., pd.DataFrame]:
    """The function of the dbt model, which is a file and no package."""
    path = repository / "dbt_project" / "models" / "intermediate" / "trends" / "int_need_forecasts.py"
    spec = importlib.util.spec_from_file_location("int_need_forecasts", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.forecasts


def _months(counts: list[int]) -> pd.DataFrame:
    starts = pd.date_range("2023-01-01", periods=len(counts), freq="MS")
    return pd.DataFrame(
        {"series": "referral", "area_code": "region", "month_start_date": starts, "events_count": counts}
    )


def test_a_history_one_month_too_short_is_not_forecast_and_the_next_is(forecasts):
    assert forecasts(_months([4, 6] * 4 + [5]), horizon=6, shortest=10, interval=0.8).empty
    assert len(forecasts(_months([4, 6] * 5), horizon=6, shortest=10, interval=0.8)) == 6


def test_the_months_ahead_follow_the_last_month_without_a_gap(forecasts):
    ahead = forecasts(_months([4, 6] * 6), horizon=3, shortest=10, interval=0.8)["month_start_date"]
    assert [day.strftime("%Y-%m-%d") for day in ahead] == ["2024-01-01", "2024-02-01", "2024-03-01"]


def test_about_eight_of_ten_outcomes_lie_inside_the_interval(forecasts):
    draw = random.Random(5)
    inside = months = 0
    for _ in range(12):
        found = forecasts(_months([draw.randint(30, 60) for _ in range(23)]), horizon=6, shortest=10, interval=0.8)
        inside += found["backtest_share_inside"].iloc[0] * found["backtest_months"].iloc[0]
        months += found["backtest_months"].iloc[0]
    assert 0.65 < inside / months < 0.92


def test_a_yearly_pattern_beats_the_naive_forecast_on_the_back_test(forecasts):
    draw = random.Random(3)
    year = [20, 22, 40, 60, 80, 70, 50, 30, 26, 24, 22, 18]
    found = forecasts(_months([n + draw.randint(-3, 3) for n in year * 4]), horizon=6, shortest=10, interval=0.8)
    assert found["backtest_mean_absolute_error"].iloc[0] < found["naive_mean_absolute_error"].iloc[0] / 2


def test_counts_are_never_forecast_below_nought(forecasts):
    found = forecasts(_months([0, 0, 1, 0, 0, 2, 0, 0, 0, 1, 0, 0]), horizon=6, shortest=10, interval=0.8)
    assert (found[["forecast_low", "forecast_count", "forecast_high"]] >= 0).all().all()


def test_a_series_that_never_varies_stays_as_it_is(forecasts):
    found = forecasts(_months([3] * 14), horizon=2, shortest=10, interval=0.8)
    assert found[["forecast_low", "forecast_count", "forecast_high"]].to_numpy().tolist() == [[3.0] * 3] * 2
