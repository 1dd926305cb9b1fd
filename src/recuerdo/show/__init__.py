"""Pictures of what tasks/ and memory/ computed. Nothing is computed here."""

from recuerdo.show.accuracy import (
    plot_coverage,
    plot_error_by_horizon,
    plot_error_by_origin,
    plot_error_by_series,
    plot_losses,
)
from recuerdo.show.backtests import plot_backtest
from recuerdo.show.confusion import plot_confusion
from recuerdo.show.explanation_page import save_explanation
from recuerdo.show.explanations import plot_explanation
from recuerdo.show.files import save_picture
from recuerdo.show.forecast_page import save_backtest_page, save_forecast_page
from recuerdo.show.forecasts import plot_forecast, save_forecasts
from recuerdo.show.gates import plot_gates, plot_time_constants
from recuerdo.show.gradients import plot_depth, plot_gradient_flow, plot_growth, plot_itemised, plot_lyapunov
from recuerdo.show.memory_page import save_memory_page
from recuerdo.show.movement import plot_movement, plot_saturation
from recuerdo.show.number_verdicts import plot_numbers
from recuerdo.show.problems import plot_problem
from recuerdo.show.statements import plot_four_cells, plot_norm_bound, plot_shrinking
from recuerdo.show.surprises import plot_surprise, save_surprise
from recuerdo.show.unfold import plot_unfolded, save_unfolded

__all__ = [
    "plot_backtest",
    "plot_confusion",
    "plot_coverage",
    "plot_depth",
    "plot_error_by_horizon",
    "plot_error_by_origin",
    "plot_error_by_series",
    "plot_explanation",
    "plot_forecast",
    "plot_four_cells",
    "plot_gates",
    "plot_gradient_flow",
    "plot_growth",
    "plot_itemised",
    "plot_losses",
    "plot_lyapunov",
    "plot_movement",
    "plot_norm_bound",
    "plot_numbers",
    "plot_problem",
    "plot_saturation",
    "plot_shrinking",
    "plot_surprise",
    "plot_time_constants",
    "plot_unfolded",
    "save_backtest_page",
    "save_explanation",
    "save_forecast_page",
    "save_forecasts",
    "save_memory_page",
    "save_picture",
    "save_surprise",
    "save_unfolded",
]
