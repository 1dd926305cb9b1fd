"""Pictures of what tasks/ and memory/ computed. Nothing is computed here."""

from recuerdo.show.files import save_picture
from recuerdo.show.forecasts import plot_forecast, save_forecasts
from recuerdo.show.memory import plot_depth, plot_four_cells, plot_gates, plot_gradient_flow, plot_growth
from recuerdo.show.unfold import plot_unfolded, save_unfolded

__all__ = [
    "plot_depth",
    "plot_forecast",
    "plot_four_cells",
    "plot_gates",
    "plot_gradient_flow",
    "plot_growth",
    "plot_unfolded",
    "save_forecasts",
    "save_picture",
    "save_unfolded",
]
