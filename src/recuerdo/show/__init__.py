"""Pictures of what tasks/ and memory/ computed. Nothing is computed here."""

from recuerdo.show.forecasts import plot_forecast, save_forecasts

__all__ = ["plot_forecast", "save_forecasts"]
