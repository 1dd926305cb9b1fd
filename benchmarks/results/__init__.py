"""The parts of results_forecast.py: each trains forecasters on one kind of data and says how good they are."""
