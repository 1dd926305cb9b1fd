"""The memory page: an audit as one file that is looked at in a browser, with one cursor through all of its views."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recuerdo.errors import OptionError, OutputError
from recuerdo.memory.reach import WORDS
from recuerdo.show.pages import UNWRITABLE, checked, html_table

if TYPE_CHECKING:
    from recuerdo.memory import Audit, FlowHistory
    from recuerdo.memory.portrait import LayerPortrait, Shown

MISSING = "The page of an audit needs the extra `page` (Bokeh), which is not installed: pip install 'recuerdo[page]'."


STUCK = "How often each unit's gates are shut (below 0.1) and open (above 0.9); the ring is the unit at the cursor."

RECALL = "What a linear readout of the state tells of the input so many steps back, and what it would without memory."


def save_memory_page(
    found: Audit, path: str | Path, *, title: str = "What it remembers", training: FlowHistory | None = None
) -> Path:
    """Write an audit as a page of one file, which needs no network; see :meth:`recuerdo.memory.Audit.to_html`.

    Raises:
        OptionError: the name does not end in .html, or the extra `page` is not installed.
        OutputError: the file cannot be written.
    """
    path = checked(path)
    text = memory_page(found, title, training)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"The page cannot be written to {path}: {error.strerror}. Choose another path.") from error
    return path


def memory_page(found: Audit, title: str, training: FlowHistory | None = None) -> str:
    """Return the page as text."""
    try:
        from bokeh.embed import components
        from bokeh.resources import Resources
    except ImportError as error:
        raise OptionError(MISSING) from error
    from recuerdo.show.memory_charts import PALETTES, MemoryCharts

    charts = MemoryCharts(found)
    figures = {name: chart for name, chart in charts.figures.items() if chart is not None}
    script, places = components(figures)
    meta = _meta(found, charts.steps, len(figures)) | {"palettes": PALETTES, "training": _training(training)}
    body = _Body(found, places, training)
    own = files("recuerdo.show")
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>",
        f"<style>{own.joinpath('memory_page.css').read_text('utf-8')}</style>",
        Resources(mode="inline", components=["bokeh"]).render(),
        f"</head><body><main><h1>{escape(title)}</h1>",
        body.text(),
        "</main>",
        f'<script type="application/json" id="meta">{_inside_script(json.dumps(meta))}</script>',
        script,
        f"<script>{own.joinpath('memory_cell.js').read_text('utf-8')}</script>",
        f"<script>{own.joinpath('memory_page.js').read_text('utf-8')}</script>",
        "</body></html>\n",
    ]
    return UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", "\n".join(parts))


def _inside_script(text: str) -> str:
    return text.replace("</", "<\\/")


def _meta(found: Audit, steps: int, charts: int) -> dict[str, Any]:
    shown = found.shown
    values = None if shown is None or shown.values is None else shown.values
    return {
        "steps": steps,
        "charts": charts,
        "words": None if shown is None or shown.words is None else list(shown.words),
        "inputs": None if values is None else [[float(f"{v:.6g}") for v in row[:4]] for row in values.tolist()],
        "layers": [_meta_of(found, each) for each in found.portraits],
    }


def _training(training: FlowHistory | None) -> list[dict[str, Any]]:
    """The flows of a training, of each layer and direction in the order of the audit's."""
    rows = [] if training is None else training.rows
    return [
        {"step": row.step, "totals": [[float(f"{v:.4g}") for v in total] for total in row.total.values()]}
        for row in rows
    ]


def _meta_of(found: Audit, layer: LayerPortrait) -> dict[str, Any]:
    gates = next(each for each in found.gates if each.name == layer.name)
    shares = [gate for gate in gates.left if gate not in layer.cell.candidates]
    constants = layer.time_constants
    return {
        "name": layer.name,
        "cell": layer.cell.name,
        "reverse": layer.reverse,
        "steps": layer.steps,
        "gates": list(layer.gates),
        "candidates": list(layer.cell.candidates),
        "forgets": layer.cell.forgets,
        "writes": layer.cell.writes,
        "states": list(layer.states),
        "start": {name: values.astype(float).tolist() for name, values in layer.start.items()},
        "lines": [{"name": line.name, "formula": line.formula, "code": line.code} for line in layer.lines],
        "order": layer.order.tolist(),
        "rank": np.argsort(layer.order).tolist(),
        "constants": None if constants is None else ["∞" if np.isinf(c) else f"{c:.1f}" for c in constants],
        "stuck": {
            "left": np.mean([gates.left[gate] for gate in shares], axis=0).tolist(),
            "right": np.mean([gates.right[gate] for gate in shares], axis=0).tolist(),
        }
        if shares
        else None,
    }


class _Body:
    """What stands between the heading and the scripts.

    Args:
        found: the audit.
        places: name of a chart -> the element that Bokeh draws it into.
        training: what was seen of the training; None where nothing was.
    """

    def __init__(self, found: Audit, places: dict[str, str], training: FlowHistory | None) -> None:
        self.found, self.places, self.training = found, places, training

    def text(self) -> str:
        """Return all of it."""
        return "\n".join(
            [*self._verdict(), *self._cursor(), *self._river(), *self._score(), *self._cell(), *self._use()]
        )

    def _verdict(self) -> Iterable[str]:
        found = self.found
        lead = found.faults[0].sentence if found.faults else "Nothing is found wrong with it."
        yield f'<p class="lead">{escape(lead)}</p>'
        yield '<section aria-labelledby="h1"><h2 id="h1">1. Verdict and memory ruler</h2>'
        yield f"<p>{escape(str(found.reach))}</p>"
        need = found.reach.needed.steps
        words = "; the dashed line is what the task needs" if need is not None else ""
        yield self._figure("ruler", f"How far back, in steps{words}.", self._table("reach"))
        if found.findings:
            yield '<ol class="findings">'
            for each in found.findings:
                yield (
                    f"<li><b>{escape(each.code)}</b>{'' if each.fault else ' (a note)'}: {escape(each.sentence)} "
                    f"<br>Try: {escape(each.remedy)}.</li>"
                )
            yield "</ol>"
        yield "".join(f'<p class="quiet">Note: {escape(note)}.</p>' for note in found.notes)
        yield "</section>"

    def _cursor(self) -> Iterable[str]:
        layers = "".join(
            f'<option value="{k}">{escape(each.name)}</option>' for k, each in enumerate(self.found.portraits)
        )
        yield (
            '<div class="cursor" role="group" aria-label="The cursor of all views">'
            '<label>Step <input id="t" type="range" min="0" max="0" value="0"></label>'
            '<label>Unit <input id="unit" type="number" min="0" value="0"></label>'
            f'<label>Layer <select id="layer">{layers}</select></label>'
            '<output id="told" aria-live="polite"></output></div>'
            '<p class="quiet">The red lines are the cursor: click into a chart, or use ← → for steps, ↑ ↓ for units '
            "(sorted by time constant), Page ↑ ↓ for ten steps. The address behind # keeps it.</p>"
        )

    def _river(self) -> Iterable[str]:
        yield '<section aria-labelledby="h2"><h2 id="h2">2. Gradient river</h2>'
        yield (
            f"<p>Where the gradients of {escape(self.found.loss)} go: how much each state is answerable for. In the "
            f"shaded band less than a hundredth of the largest is left; the grey line is the same network with "
            f"weights as they are drawn.</p>"
        )
        if "river" in self.places:
            what = "The loss at each step" if self.found.at_each_step else "What each number of the answer costs"
            yield self._figure("river", f"{what}, by each state: |dL/ds| in {self.found.itemised[-1].name}.")
        yield self._figure("flow", "All losses by each state, |dL/ds|.", self._table("gradient_flow"))
        if self.training is not None:
            last = len(self.training.rows) - 1
            yield (
                f'<p class="epoch"><label>In training <input id="epoch" type="range" min="0" max="{last}" '
                f'value="{last}"></label> <output id="seen" for="epoch"></output></p>'
            )
        yield "</section>"

    def _score(self) -> Iterable[str]:
        yield '<section aria-labelledby="h3"><h2 id="h3">3. Memory score</h2>'
        yield (
            "<p>The first sample, and under it every gate and state of every unit, step by step: a row is a unit, "
            "those with the longest time constants at the bottom. Gates run from 0, which is left blank, to 1, "
            "candidates and states around 0. The sample stands in the colours of the chosen unit's hidden state.</p>"
        )
        shown = self.found.shown
        if shown is not None and shown.words is not None:
            yield self._words(shown)
        elif "series" in self.places:
            yield self._figure("series", "The sample, in the colours of the unit at the cursor.")
        for number, layer in enumerate(self.found.portraits):
            yield f'<div data-layer="{number}"><h3>{escape(layer.name)}</h3><div class="two">'
            for prefix, words in (("", "as it was trained"), ("fresh ", "untrained")):
                names = [
                    name for name in (*layer.gates, *layer.states) if f"strip {number} {prefix}{name}" in self.places
                ]
                if not names:
                    continue
                yield f"<figure><figcaption>{words}</figcaption>"
                for name in names:
                    label = f"{name} of every unit, {words}"
                    chart = self._chart(f"strip {number} {prefix}{name}", label)
                    yield f'<div class="strip"><span>{name}</span>{chart}</div>'
                yield "</figure>"
            yield "</div>"
            if f"stuck {number}" in self.places:
                figure = self._figure(f"stuck {number}", STUCK, self._table("gates", layer.name))
                yield f'<div class="narrow">{figure}</div>'
            yield "</div>"
        yield "</section>"

    def _words(self, shown: Shown) -> str:
        assert shown.words is not None
        letters = max(map(len, shown.words), default=0) <= 1
        space, kind = ("", "words letters") if letters else (" ", "words")
        words = space.join(f'<button type="button">{escape(word)}</button>' for word in shown.words)
        return f'<div class="{kind}" id="words" dir="auto" role="group" aria-label="The sample">{words}</div>'

    def _cell(self) -> Iterable[str]:
        yield '<section aria-labelledby="h4"><h2 id="h4">4. The unfolded cell</h2>'
        yield (
            "<p>The unit at the cursor, two steps to either side. Glasses are filled to a gate's value; red numbers "
            "are the factors that a gradient meets on its way back. Click a node for its formula with the numbers put "
            "in.</p>"
        )
        yield '<div class="cell" id="cell" tabindex="0" role="region" aria-label="The unfolded cell"></div>'
        yield '<div class="formulas" id="formulas" aria-live="polite"></div></section>'

    def _use(self) -> Iterable[str]:
        yield '<section aria-labelledby="h5"><h2 id="h5">5. Recall against use</h2><div class="two">'
        if "recall" in self.places:
            yield self._figure("recall", RECALL, self._table("recall"))
        if "horizon" in self.places:
            yield self._figure(
                "horizon", "What the answers use of the input so many steps back.", self._table("horizon")
            )
        yield "</div>"
        if "leaning" in self.places and self.found.horizon is not None:
            words = f"Which inputs the answer at step {self.found.horizon.place} of the sample leans on."
            if self.found.horizon.disagree:
                words += " Gradient and exchange disagree: trust neither alone."
            yield self._figure("leaning", words)
        yield "</section>"

    def _figure(self, name: str, words: str, table: str = "") -> str:
        return f"<figure><figcaption>{escape(words)}</figcaption>{self._chart(name, words)}{table}</figure>"

    def _chart(self, name: str, words: str) -> str:
        return f'<div class="chart" role="img" aria-label="{escape(words)}">{self.places[name]}</div>'

    def _table(self, name: str, layer: str | None = None) -> str:
        """The numbers, to be opened."""
        frame = self.found.to_frame(name)
        if layer is not None:
            frame = frame.filter(frame["layer"] == layer)
        rows: list[Sequence[str]] = [[_cell(value) for value in row] for row in frame.iter_rows()]
        if name == "reach":
            rows = [[WORDS[row[0]], *row[1:]] for row in rows]
        table = html_table(name.replace("_", " "), frame.columns, rows)
        return f"<details><summary>The numbers</summary>{table}</details>"


def _cell(value: Any) -> str:
    if value is None:
        return "unknown"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
