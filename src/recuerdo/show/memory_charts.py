"""The charts of a memory page, by Bokeh: linked by their steps, on any background, with the page's cursor in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.events import Tap
from bokeh.models import (
    BoxAnnotation,
    ColorBar,
    ColumnDataSource,
    CustomJS,
    FactorRange,
    HoverTool,
    LinearColorMapper,
    NumeralTickFormatter,
    Range1d,
    Span,
)
from bokeh.plotting import figure
from matplotlib import colormaps
from matplotlib.colors import LinearSegmentedColormap, to_hex
from numpy.typing import NDArray

from recuerdo.memory.reach import FELT, WORDS, how_far

if TYPE_CHECKING:
    from recuerdo.memory import Audit
    from recuerdo.memory.portrait import LayerPortrait

BLUE, ORANGE, GREEN, RED, QUIET = "#4a86d9", "#d9822b", "#3f9d6b", "#d65a5a", "#8a8f98"
"""Of lines and marks: seen on white and on black alike."""

HUES = (BLUE, ORANGE, GREEN, "#9a6dd7")

SHADES = 64
"""Of a palette."""

STRIP, CHART = 96, 230
"""Heights in pixels."""

DECADES = 1e-4
"""By the largest: how small gradients are drawn, further only where the trained network's own are smaller."""

SMALLEST = 1e-300
"""Stands for 0 where logarithms are drawn."""


def _shades(*colours: str) -> list[str]:
    ramp = LinearSegmentedColormap.from_list("", colours)
    return [to_hex(ramp(k / (SHADES - 1))) for k in range(SHADES)]


PALETTES = {
    "share": {"light": _shades("#ffffff", "#9cc3f0", "#1f4e99"), "dark": _shades("#15181d", "#2f66ad", "#bcdcff")},
    "signed": {
        "light": _shades("#b5481b", "#f0b48f", "#ffffff", "#93bdec", "#1f4e99"),
        "dark": _shades("#ff9d6b", "#8a4524", "#15181d", "#2c5c99", "#8fc4ff"),
    },
    "size": {
        "light": [to_hex(colormaps["magma_r"](0.05 + 0.9 * k / (SHADES - 1))) for k in range(SHADES)],
        "dark": [to_hex(colormaps["magma"](0.1 + 0.9 * k / (SHADES - 1))) for k in range(SHADES)],
    },
}
"""What is drawn: shares from 0 to 1, numbers around 0, sizes by their logarithm; in a light page and in a dark one."""


class MemoryCharts:
    """All charts of an audit, by the names of the places where they stand.

    Args:
        found: the audit; its first sample was portrayed.

    Attributes:
        figures: name -> chart.
    """

    def __init__(self, found: Audit) -> None:
        self.found = found
        self.steps = max(each.steps for each in found.portraits)
        self.x = Range1d(start=-0.5, end=self.steps - 0.5, bounds=(-0.5, self.steps - 0.5))
        self.figures: dict[str, Any] = {"ruler": self._ruler()}
        if found.itemised:
            self.figures["river"] = self._river()
        self.figures["flow"] = self._flow()
        if found.shown is not None and found.shown.values is not None:
            self.figures["series"] = self._series(found.shown.values, found.shown.names)
        fresh = found.untrained.layers if found.untrained is not None else [None] * len(found.portraits)
        for number, (layer, other) in enumerate(zip(found.portraits, fresh, strict=True)):
            self._strips(number, layer, other)
        if found.recall:
            self.figures["recall"] = self._recall()
        if found.horizon is not None:
            self.figures["horizon"] = self._horizon()
            self.figures["leaning"] = self._leaning()

    def _steps_chart(self, height: int, label: str | None = "step", **options: Any) -> Any:
        chart = _chart(height, x_range=self.x, **options)
        chart.xaxis.axis_label = label
        chart.add_layout(Span(location=0, dimension="height", line_color=RED, line_width=1.5, tags=["t"]))
        chart.js_on_event(Tap, CustomJS(code="window.recuerdoPage.at(Math.round(cb_obj.x))"))
        return chart

    def _ruler(self) -> Any:
        reach, names = self.found.reach, ["promised", "held", "trainable", "used"]
        values = [getattr(reach, name) for name in names]
        most = max(2.0, float(reach.steps), *(v for v in values if v is not None and np.isfinite(v)))
        most = max(most, float(reach.needed.steps or 0))
        rows = [
            f"{WORDS[name]}".replace("promise", "gates promise" if reach.gated else "weights promise") for name in names
        ]
        chart = _chart(
            CHART - 20,
            x_axis_type="log",
            x_range=Range1d(start=0.8, end=1.6 * most),
            y_range=FactorRange(factors=rows[::-1]),
        )
        source = ColumnDataSource(
            {
                "row": rows,
                "to": [min(max(float(v or 0), 0.8), most) for v in values],
                "said": [how_far(v, reach.steps) for v in values],
                "colour": HUES,
            }
        )
        chart.hbar(y="row", left=0.8, right="to", height=0.5, color="colour", source=source)
        chart.text(
            x="to", y="row", text="said", x_offset=6, text_baseline="middle", text_font_size="13px",
            text_color=QUIET, source=source, name="words",
        )  # fmt: skip
        if reach.needed.steps is not None:
            chart.add_layout(
                Span(location=max(reach.needed.steps, 0.8), dimension="height", line_color=RED, line_dash="dashed",
                     line_width=2)
            )  # fmt: skip
        chart.xaxis.axis_label = "steps back"
        decades = range(int(np.log10(1.6 * most)) + 1)
        chart.xaxis.ticker = [each * 10**k for k in decades for each in ((1, 2, 5) if most < 500 else (1,))]
        chart.xaxis.formatter = NumeralTickFormatter(format="0,0")
        return chart

    def _river(self) -> Any:
        """Of one layer after another, on top of each other where there are several: the last is nearest to the loss."""
        items = self.found.itemised[-1]
        size = np.log10(np.maximum(items.norms, SMALLEST))
        highest = float(size.max())
        rows = [str(k) for k in items.losses.tolist()]
        chart = self._steps_chart(CHART, "state at step", y_range=Range1d(start=-0.5, end=len(rows) - 0.5))
        mapper = LinearColorMapper(palette=PALETTES["size"]["light"], low=highest - 4, high=highest, name="size")
        shown = np.where(items.norms > 0, size, np.nan).astype(np.float32)
        mapper.nan_color = "rgba(0,0,0,0)"
        source = ColumnDataSource(
            {"image": [shown], "x": [-0.5], "y": [-0.5], "dw": [shown.shape[1]], "dh": [len(rows)]}
        )
        chart.image(image="image", x="x", y="y", dw="dw", dh="dh", color_mapper=mapper, source=source)
        marks = np.unique(np.linspace(0, len(rows) - 1, min(6, len(rows))).round().astype(int)).tolist()
        chart.yaxis.ticker = marks
        chart.yaxis.major_label_overrides = {k: rows[k] for k in marks}
        chart.yaxis.axis_label = "loss at step" if self.found.at_each_step else "number of the answer"
        bar = ColorBar(color_mapper=mapper, width=10, title="log₁₀", background_fill_alpha=0, border_line_alpha=0)
        chart.add_layout(bar, "right")
        chart.add_tools(HoverTool(tooltips=[("log₁₀ |dL/ds|", "@image{0.00}")]))
        return chart

    def _flow(self) -> Any:
        flows = self.found.gradient_flow
        totals = [flow.total for flow in flows]
        highest = max(float(each.max()) for each in totals)
        chart = self._steps_chart(CHART, "state at step", y_axis_type="log")
        lowest = min((float(v) for each in totals for v in each if v > 0), default=0.0)
        floor = max(min(lowest, highest * DECADES), highest * 1e-12)
        fresh = self.found.untrained.gradient_flow if self.found.untrained is not None else [None] * len(flows)
        for number, (flow, other) in enumerate(zip(flows, fresh, strict=True)):
            hue, step = HUES[number % len(HUES)], np.arange(len(flow.total))
            name = f"{flow.name}: " if len(flows) > 1 else ""
            parts = (("all of it", flow.total, 2.5, "solid"), ("from the answer directly", flow.direct, 1.2, "dotted"),
                     ("through the recurrence", flow.recurrent, 1.2, "dashed"))  # fmt: skip
            for words, values, width, dash in parts[: 3 if len(flows) == 1 else 1]:
                _line(chart, step, values, floor, name + words, hue, width, dash)
            if other is not None:
                _line(chart, step, other.total, floor, f"{name}untrained", QUIET, 1.5, "solid")
        seen = ColumnDataSource({"step": [], "total": []}, name="seen in training")
        chart.line("step", "total", source=seen, color=RED, line_width=2, line_dash="dashed")
        chart.add_layout(
            BoxAnnotation(top=highest * FELT, fill_color=BLUE, fill_alpha=0.08, line_alpha=0, level="underlay")
        )
        chart.yaxis.axis_label = "|dL/ds|"
        _legend(chart)
        return chart

    def _series(self, values: NDArray[np.float64], names: Sequence[str]) -> Any:
        chart = self._steps_chart(150, None)
        shown = range(min(values.shape[1], 4))
        for d in shown:
            told = {"legend_label": names[d]} if values.shape[1] > 1 else {}
            chart.line(np.arange(len(values)), values[:, d], color=QUIET, line_width=1.2,
                       line_dash=("solid", "dashed", "dotted", "dashdot")[d], **told)  # fmt: skip
        mapper = LinearColorMapper(palette=PALETTES["signed"]["light"], low=-1, high=1, name="signed")
        source = ColumnDataSource(
            {"step": np.arange(len(values)), "value": values[:, 0], "unit": np.zeros(len(values), np.float32)},
            name="series",
        )
        chart.scatter(
            "step", "value", size=7, source=source, color={"field": "unit", "transform": mapper}, line_color=QUIET,
            line_width=0.5,
        )  # fmt: skip
        chart.yaxis.axis_label = "input"
        if values.shape[1] > 1:
            _legend(chart)
        return chart

    def _strips(self, number: int, layer: LayerPortrait, other: LayerPortrait | None) -> None:
        """A strip for each gate and state, trained and untrained, and the units' saturation beside them."""
        H = len(layer.order)
        rows = {name: values.T[layer.order] for name, values in drawn(layer).items()}
        fresh = {} if other is None else {f"fresh {name}": v.T[layer.order] for name, v in drawn(other).items()}
        columns = {**rows, **fresh, **{f"given {name}": v.T[layer.order] for name, v in layer.given.items()}}
        T = layer.steps
        data: dict[str, Any] = {name: [np.ascontiguousarray(each, np.float32)] for name, each in columns.items()}
        source = ColumnDataSource(data | {"x": [-0.5], "y": [-0.5], "dw": [T], "dh": [H]}, name=f"layer {number}")
        for name in columns:
            if not name.startswith("given "):
                self.figures[f"strip {number} {name}"] = self._strip(number, layer, name, source, rows)
        self.figures[f"stuck {number}"] = self._stuck(number, layer) if self._has_shares(layer) else None

    def _strip(
        self, number: int, layer: LayerPortrait, name: str, source: ColumnDataSource, rows: Mapping[str, Any]
    ) -> Any:
        plain, H = name.removeprefix("fresh "), len(layer.order)
        chart = self._steps_chart(STRIP, None, y_range=Range1d(start=-0.5, end=H - 0.5))
        if plain in layer.gates and plain not in layer.cell.candidates:
            mapper = LinearColorMapper(palette=PALETTES["share"]["light"], low=0, high=1, name="share")
        else:
            most = max(1.0, float(np.abs(rows[plain]).max())) if np.isfinite(rows[plain]).all() else 1.0
            mapper = LinearColorMapper(palette=PALETTES["signed"]["light"], low=-most, high=most, name="signed")
        chart.image(image=name, x="x", y="y", dw="dw", dh="dh", color_mapper=mapper, source=source)
        chart.add_layout(Span(location=0, dimension="width", line_color=RED, tags=[f"unit {number}"]))
        chart.js_on_event(
            Tap, CustomJS(code=f"window.recuerdoPage.row(Math.round(cb_obj.x), Math.round(cb_obj.y), {number})")
        )
        chart.yaxis.visible = False
        chart.xaxis.major_label_text_font_size = "10px"
        return chart

    def _has_shares(self, layer: LayerPortrait) -> bool:
        return any(gate not in layer.cell.candidates for gate in layer.gates)

    def _stuck(self, number: int, layer: LayerPortrait) -> Any:
        gates = next(each for each in self.found.gates if each.name == layer.name)
        chart = _chart(CHART, x_range=Range1d(start=-0.05, end=1.05), y_range=Range1d(start=-0.05, end=1.05))
        for hue, gate in zip(HUES, gates.left, strict=False):
            source = ColumnDataSource(
                {"shut": gates.left[gate], "open": gates.right[gate], "unit": np.arange(len(gates.left[gate]))}
            )
            dots = chart.scatter("shut", "open", source=source, color=hue, alpha=0.6, size=7, legend_label=gate)
            dots.selection_glyph = None
        mark = ColumnDataSource({"x": [0.0], "y": [0.0]}, name=f"stuck {number}")
        chart.scatter("x", "y", source=mark, size=13, fill_alpha=0, line_color=RED, line_width=2)
        chart.line([0, 1], [1, 0], color=QUIET, line_dash="dotted")
        chart.add_tools(HoverTool(tooltips=[("unit", "@unit"), ("shut", "@shut{0.00}"), ("open", "@open{0.00}")]))
        chart.xaxis.axis_label, chart.yaxis.axis_label = "share of steps shut", "share of steps open"
        _legend(chart, columns=4)
        return chart

    def _recall(self) -> Any:
        recalls = self.found.recall
        chart = _chart(CHART, y_range=Range1d(start=-0.05, end=1.05))
        for hue, each in zip(HUES, recalls, strict=False):
            name = f"{each.name}: " if len(recalls) > 1 else ""
            chart.line(each.lags, np.clip(each.found, 0, 1), color=hue, line_width=2.5, legend_label=f"{name}state")
            chart.line(each.lags, np.clip(each.baseline, 0, 1), color=hue, line_dash="dotted", line_width=1.5,
                       legend_label=f"{name}baseline")  # fmt: skip
        chart.xaxis.axis_label = "steps back"
        chart.yaxis.axis_label = "accuracy" if recalls[0].tokens else "R²"
        _legend(chart)
        return chart

    def _horizon(self) -> Any:
        found = self.found.horizon
        assert found is not None
        chart = _chart(CHART)
        changes = np.abs(found.changes)
        most = float(changes.max(initial=0.0))
        lines = (
            (
                f"{found.words}, if all further back is exchanged (1 is {most:.3g})",
                _by_largest(changes),
                BLUE,
                2.5,
                "solid",
            ),
            ("the same, if this input alone is", found.exchanges, ORANGE, 1.5, "solid"),
            ("gradient by this input", found.gradients, GREEN, 1.5, "dashed"),
        )
        for words, values, hue, width, dash in lines:
            chart.line(found.lags, values, color=hue, line_width=width, line_dash=dash, legend_label=words)
        chart.xaxis.axis_label, chart.yaxis.axis_label = "steps back", "by the largest"
        _legend(chart, columns=1)
        return chart

    def _leaning(self) -> Any:
        found = self.found.horizon
        assert found is not None
        chart = self._steps_chart(170)
        felt = found.felt[: self.steps]
        steps = np.arange(len(felt))
        chart.vbar(steps, top=_by_largest(felt), width=0.8, color=GREEN, alpha=0.7, legend_label="gradient")
        there = np.isfinite(found.moved)
        chart.scatter(found.place - found.lags[there], _by_largest(found.moved[there]), color=ORANGE, size=8,
                      legend_label="exchange")  # fmt: skip
        chart.yaxis.axis_label = "by the largest"
        _legend(chart)
        return chart


def drawn(layer: LayerPortrait) -> dict[str, NDArray[np.float32]]:
    """What of a layer is drawn as a strip: its gates, then its states; (T, H) each."""
    return {**layer.gates, **layer.states}


def _chart(height: int, **options: Any) -> Any:
    chart = figure(height=height, sizing_mode="stretch_width", min_width=200, tools="tap", toolbar_location=None,
                   background_fill_alpha=0, border_fill_alpha=0, outline_line_color=QUIET, outline_line_alpha=0.4,
                   **options)  # fmt: skip
    chart.grid.grid_line_alpha = 0.15
    chart.grid.grid_line_color = QUIET
    chart.axis.minor_tick_line_color = None
    chart.axis.axis_label_text_font_style = "normal"
    return chart


def _line(
    chart: Any, step: NDArray[Any], values: NDArray[Any], floor: float, label: str, hue: str, width: float, dash: str
) -> None:
    seen = np.where(values >= floor, values, np.nan)  # what is below leaves the chart
    chart.line(step, seen, color=hue, line_width=width, line_dash=dash, legend_label=label)


def _legend(chart: Any, columns: int = 2) -> None:
    """Above the chart, where it hides no line."""
    for legend in list(chart.legend):
        legend.background_fill_alpha = legend.border_line_alpha = 0
        legend.orientation = "horizontal"
        legend.ncols = columns
        legend.label_text_font_size = "11px"
        legend.padding = legend.margin = 2
        legend.spacing = 10
        chart.add_layout(legend, "above")


def _by_largest(values: NDArray[np.float64]) -> NDArray[np.float64]:
    most = float(values.max(initial=0.0))
    return values / most if most > 0 else values
