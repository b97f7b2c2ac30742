"""A forecast of each demand series, with its interval and how well it would have done.

Put here: the call of the forecasting library and its back-test. Keep out: what is counted (int_need_months) and every
number (horizon, shortest history, interval: rules in the seed statutory_rules).

The model is exponential smoothing in state-space form (Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential
Smoothing, 2008), as statsmodels has it: level only, with additive seasons once there are two whole years. Counts cannot
be negative, so the interval is cut at nought.
"""

import warnings

import pandas as pd
from statsmodels.tools.sm_exceptions import ConvergenceWarning
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

COLUMNS = {
    "series": "str", "area_code": "str", "month_start_date": "datetime64[us]", "forecast_count": "float64",
    "forecast_low": "float64", "forecast_high": "float64", "backtest_months": "Int64",
    "backtest_mean_absolute_error": "float64", "naive_mean_absolute_error": "float64",
    "backtest_share_inside": "float64",
}  # fmt: skip


def model(dbt, session):  # noqa: ANN001, ANN201, ARG001  the signature is dbt's
    """Forecasts as dbt's table: one row per series, area and month ahead."""
    dbt.config(materialized="table")
    months = dbt.ref("int_need_months").df()
    rules = dbt.ref("int_rules_in_force").df().set_index("rule_id")["rule_value"]
    return forecasts(
        months, horizon=int(rules["need_forecast_horizon"]), shortest=int(rules["need_forecast_history_least"]),
        interval=float(rules["need_forecast_interval"]) / 100,
    )


def forecasts(months: pd.DataFrame, *, horizon: int, shortest: int, interval: float) -> pd.DataFrame:
    """Forecast every series of every area.

    Args:
        months: series, area_code, month_start_date, events_count: whole months without a gap.
        horizon: months ahead.
        shortest: months of history below which nothing is forecast.
        interval: share of outcomes that the interval should hold, e.g. 0.8.

    Returns:
        The columns of `COLUMNS`; no row for a series that is too short. The back-test forecasts the last months of the
        history, as many as the horizon, from what was known before each of them; the naive forecast it is compared
        with says that the next month will be as the last.
    """
    rows = []
    for (series, area), part in months.sort_values("month_start_date").groupby(["series", "area_code"], sort=True):
        history = pd.Series(
            part["events_count"].to_numpy(float), index=pd.PeriodIndex(part["month_start_date"], freq="M")
        )
        if len(history) < shortest:
            continue
        tested = _backtest(history, min(horizon, len(history) - shortest), interval)
        ahead = _ahead(history, horizon, interval)
        rows += [(series, area, period.to_timestamp(), *ahead.loc[period], *tested) for period in ahead.index]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def _ahead(history: pd.Series, horizon: int, interval: float) -> pd.DataFrame:
    """Mean, low and high of the months after a history, none below nought."""
    periods = pd.period_range(history.index[-1] + 1, periods=horizon, freq="M")
    if history.nunique() == 1:
        # Nothing varies: the library has no error to estimate, and there is none to show.
        return pd.DataFrame({"mean": history.iloc[-1], "low": history.iloc[-1], "high": history.iloc[-1]}, periods)
    seasons = {"seasonal": "add", "seasonal_periods": 12} if len(history) >= 24 else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        # The first level and seasons by rule, not estimated: a tenth of the time, and as good on the back-test.
        smoothing = ETSModel(history, error="add", trend=None, initialization_method="heuristic", **seasons)
        fitted = smoothing.fit(disp=False)
        shown = fitted.get_prediction(start=len(history), end=len(history) + horizon - 1).summary_frame(
            alpha=1 - interval
        )
    found = shown[["mean", "pi_lower", "pi_upper"]].set_axis(["mean", "low", "high"], axis=1).clip(lower=0)
    return found.set_index(periods).round(3)


def _backtest(history: pd.Series, months: int, interval: float) -> tuple[int, float, float, float]:
    """Months tested, mean absolute error, that of the naive forecast, share of months inside the interval."""
    if months < 1:
        return 0, float("nan"), float("nan"), float("nan")
    errors, naive, inside = [], [], 0
    for known in range(len(history) - months, len(history)):
        true, before = history.iloc[known], history.iloc[:known]
        mean, low, high = _ahead(before, 1, interval).iloc[0]
        errors.append(abs(true - mean))
        naive.append(abs(true - before.iloc[-1]))
        inside += low <= true <= high
    return months, round(sum(errors) / months, 3), round(sum(naive) / months, 3), round(inside / months, 3)
