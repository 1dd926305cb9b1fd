"""MiniRocket and 1-NN DTW by aeon: this file runs as a module in aeon's own Python, and prints JSON."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from aeon.classification.convolution_based import MiniRocketClassifier
from aeon.classification.distance_based import KNeighborsTimeSeriesClassifier

from ..kernel.child import answer


def judged(path: str, seeds: list[int]) -> dict[str, Any]:
    """Judge one set.

    Args:
        path: an .npz of values (sum of T_i, D), lengths, labels, and `known`, how many sequences are for training.
        seeds: of MiniRocket.

    Returns:
        rocket: accuracy in percent, by seed; dtw: that of the nearest neighbour; seconds of both.
    """
    with np.load(path) as found:
        ends = np.cumsum(found["lengths"])[:-1]
        sequences = [np.ascontiguousarray(each.T, np.float64) for each in np.split(found["values"], ends)]
        y, known = found["labels"], int(found["known"])
    longest = max(each.shape[1] for each in sequences)
    # MiniRocket takes sequences of one length: shorter ones are filled up with zeros.
    X = np.stack([np.pad(each, ((0, 0), (0, longest - each.shape[1]))) for each in sequences])
    began, rocket = time.perf_counter(), []
    for seed in seeds:
        model = MiniRocketClassifier(random_state=seed).fit(X[:known], y[:known])
        rocket.append(100 * float(np.mean(model.predict(X[known:]) == y[known:])))
    ended = time.perf_counter()
    own: Any = X if all(each.shape[1] == longest for each in sequences) else sequences
    nearest = KNeighborsTimeSeriesClassifier(distance="dtw", n_neighbors=1).fit(own[:known], y[:known])
    dtw = 100 * float(np.mean(nearest.predict(own[known:]) == y[known:]))
    seconds = {"rocket": (ended - began) / len(seeds), "dtw": time.perf_counter() - ended}
    return {"rocket": rocket, "dtw": dtw, "seconds": seconds}


if __name__ == "__main__":
    answer(judged)
