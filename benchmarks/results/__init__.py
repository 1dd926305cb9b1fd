"""The parts of the scripts of results: each trains models on one kind of data and says how good they are."""
