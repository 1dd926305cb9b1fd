"""What pictures of series share: a line with its gaps, the fan of a forecast, dates below, and a name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from recuerdo.data.stamps import column_of
from recuerdo.data.tables import Panel
from recuerdo.show.style import MODEL, QUIET, line

Values = NDArray[np.float64]

PAPER = "#edeff2"
"""Where nothing is known."""

TINTS = (0.16, 0.42)
"""How much of the model's colour the widest and the narrowest of several intervals have."""


def mark_missing(ax: Axes, times: NDArray[Any], values: NDArray[Any]) -> None:
    """A grey ground from the last value before missing ones to the next."""
    ends = [[_number(each) for each in span] for span in missing_spans(times, values)]
    if ends:
        spans = [(left, right - left) for left, right in ends]
        ground = ax.get_xaxis_transform()
        ax.broken_barh(spans, (0, 1), transform=ground, color=PAPER, linewidth=0, zorder=0, label="no value")


def missing_spans(times: NDArray[Any], values: NDArray[Any]) -> list[tuple[Any, Any]]:
    """Return for each run of missing values the stamps that the line breaks off and goes on at."""
    edges = np.flatnonzero(np.diff(np.pad(np.isnan(values).astype(np.int8), 1)))
    last = len(times) - 1
    return [(times[max(first - 1, 0)], times[min(end, last)]) for first, end in edges.reshape(-1, 2)]


def fan(ax: Axes, x: NDArray[Any], quantiles: Mapping[float, Values], pairs: Sequence[tuple[float, float]]) -> None:
    """Nested intervals, the widest first and lightest, and a dotted line for each quantile that has no partner.

    Args:
        ax: where to draw.
        x: (K,) time stamps.
        quantiles: level -> (K,); NaN parts one forecast from the next.
        pairs: levels that bound an interval, the widest first.
    """
    colour = np.array(to_rgb(MODEL))
    for (low, high), tint in zip(pairs, np.linspace(*TINTS, max(2, len(pairs))), strict=False):
        words = f"{100 * (high - low):.3g} % interval"
        shade = tuple(1 - tint * (1 - colour))
        ax.fill_between(x, quantiles[low], quantiles[high], color=shade, linewidth=0, zorder=1, label=words)
    paired = {level for pair in pairs for level in pair}
    for level in sorted(quantiles.keys() - paired):
        words = f"{100 * level:g} % quantile"
        line(ax, x, quantiles[level], color=MODEL, linewidth=0.9, linestyle=(0, (1, 1.5)), label=words)


def parted(blocks: Sequence[NDArray[Any]], gap: Any = None) -> NDArray[Any]:
    """Join blocks into one array with something between them: NaN breaks a line, None repeats the last stamp."""
    pieces = [each for block in blocks for each in (block, block[-1:] if gap is None else np.array([gap]))]
    return np.concatenate(pieces[:-1])


def origin_mark(ax: Axes, times: NDArray[Any], words: str = "_nolegend_") -> None:
    """Dotted lines, from bottom to top, where what is known ends."""
    x, y = parted([times[[k, k]] for k in range(len(times))]), np.tile([0, 1, np.nan], len(times))[:-1]
    upright = ax.get_xaxis_transform()
    ax.plot(x, y, transform=upright, color=QUIET, linewidth=0.8, linestyle=":", scaley=False, label=words)


def dated(ax: Axes, times: NDArray[Any]) -> None:
    """Short dates below, where the stamps are dates."""
    if np.issubdtype(times.dtype, np.datetime64):
        locator = mdates.AutoDateLocator(minticks=3, maxticks=8)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))
    ax.margins(x=0.01)


def name_of(known: Panel, which: int) -> str:
    """What titles call a series: the target, and the id in a long table."""
    one = known.series[which]
    named = known.target if isinstance(known.target, str) else str(one.id)
    return named if known.id is None else f"{named}, {one.id}"


def stamps(known: Panel, times: NDArray[Any]) -> list[str]:
    """Write time stamps as the user's table has them."""
    return [stamp(each) for each in column_of(times, known.time_type, known.date, known.kind).to_list()]


def stamp(written: object) -> str:
    """Write one of them, without a midnight that says nothing."""
    return str(written).removesuffix(" 00:00:00")


def in_lines(written: object) -> str:
    """Write a time stamp to stand below an axis: the time of day under the day, without seconds that say nothing."""
    return re.sub(r"[ T](\d\d?:\d\d)(?::00(?:\.0+)?(?![.\d]))?", r"\n\1", stamp(written))


def _number(time: Any) -> float:
    """Where a time stamp lies on the axis."""
    return float(mdates.date2num(time)) if isinstance(time, np.datetime64) else float(time)
