"""What an audit found: every quantity as numbers, as a table and as a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from recuerdo.errors import OptionError
from recuerdo.memory.depth import DepthFlow
from recuerdo.memory.findings import Finding
from recuerdo.memory.flow import GradientFlow
from recuerdo.memory.gates import GateActivity
from recuerdo.memory.growth import Growth
from recuerdo.memory.horizon import Horizon
from recuerdo.memory.itemised import ItemisedFlow
from recuerdo.memory.jacobians import Lyapunov
from recuerdo.memory.portrait import LayerPortrait, Shown, Untrained
from recuerdo.memory.reach import Reach
from recuerdo.memory.recall import Recall

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from recuerdo.memory.flow_history import FlowHistory

    Drawn = Callable[[int | str | None, Axes | None], Axes]


@dataclass(frozen=True)
class Audit:
    """What was measured of a model on some data.

    Attributes:
        gradient_flow: where the gradient of the loss goes through time, one for each layer and direction.
        itemised: the same for the loss at each step by itself; empty where the loss does not read the first output.
        at_each_step: whether the answer has a step for each of the input's; else it is given once, and what is itemised
            are its numbers.
        depth: how much of it each layer receives.
        gates: what the gates do, and the memory that they promise.
        growth: what becomes of a change of the state; without the layers where samples end before the batch does.
        lyapunov: the largest Lyapunov exponents; without the same layers.
        recall: what each layer's state holds of the input; empty where it cannot be probed.
        horizon: how far back the answers use the input; None where inputs cannot be exchanged.
        reach: all of it in steps, beside what the task needs.
        findings: what to change, the likeliest cause first.
        loss: the name of the loss that gradients are of.
        notes: what was left out or chosen, in sentences.
        shown: a sample, step by step; None where the module's input is no sequence.
        portraits: what every layer and direction does on it.
        untrained: the same network with fresh weights; None where it makes no finite numbers.
        ends: how many steps each layer and direction has, in the order of `gradient_flow`: those of its longest sample.
    """

    gradient_flow: list[GradientFlow]
    itemised: list[ItemisedFlow]
    at_each_step: bool
    depth: DepthFlow
    gates: list[GateActivity]
    growth: list[Growth]
    lyapunov: list[Lyapunov]
    recall: list[Recall]
    horizon: Horizon | None
    reach: Reach
    findings: list[Finding]
    loss: str
    notes: tuple[str, ...]
    ends: tuple[int, ...]
    shown: Shown | None
    portraits: list[LayerPortrait]
    untrained: Untrained | None

    @property
    def faults(self) -> list[Finding]:
        """The findings that something is wrong; the others are notes."""
        return [each for each in self.findings if each.fault]

    @property
    def pictures(self) -> list[str]:
        """The names that `plot` knows, of what there is to draw in this audit."""
        have = {
            "itemised": bool(self.itemised),
            "depth": len(self.depth.names) > 1,
            "gates": any(each.left for each in self.gates),
            "time_constants": any(each.time_constants is not None for each in self.gates),
            "growth": bool(self.growth),
            "lyapunov": bool(self.lyapunov),
        }
        return [name for name in self._pictures() if have.get(name, True)]

    def to_frame(self, name: str) -> pl.DataFrame:
        """Return a quantity of all layers and directions as a table.

        Args:
            name: "gradient_flow", "itemised", "depth", "gates", "activity", "time_constants", "growth", "lyapunov",
                "recall", "horizon" or "reach".

        Raises:
            OptionError: another name, or nothing of it was measured.
        """
        makers: dict[str, Callable[[], list[pl.DataFrame]]] = {
            "gradient_flow": lambda: [each.to_frame() for each in self.gradient_flow],
            "itemised": lambda: [each.to_frame() for each in self.itemised],
            "depth": lambda: [self.depth.to_frame()],
            "gates": lambda: [each.to_frame() for each in self.gates],
            "activity": lambda: [each.activity_frame() for each in self.gates],
            "time_constants": lambda: [each.time_constants_frame() for each in self.gates],
            "growth": lambda: [each.to_frame() for each in self.growth],
            "lyapunov": lambda: [each.to_frame() for each in self.lyapunov],
            "recall": lambda: [each.to_frame() for each in self.recall],
            "horizon": lambda: [] if self.horizon is None else [self.horizon.to_frame()],
            "reach": lambda: [self.reach.to_frame()],
        }
        if name not in makers:
            raise OptionError(f"There is no table {name!r}; there are {', '.join(makers)}.")
        frames = makers[name]()
        if not frames:
            raise OptionError(f"Nothing of {name!r} was measured: {'; '.join(self.notes)}.")
        return pl.concat(frames)

    def plot(self, name: str, *, which: int | str | None = None, ax: Axes | None = None) -> Axes:
        """Draw a quantity: of one layer and direction, or of all where they go into one picture.

        Args:
            name: "gradient_flow", "depth" or "lyapunov", which show all layers and directions; "itemised", "gates",
                "time_constants" or "growth", which show one.
            which: the name of the layer and direction, or its number in the order of `gradient_flow`, for a picture of
                one; None takes the first that was measured.
            ax: where to draw; None makes a new figure.

        Raises:
            OptionError: another name, a number for a picture of all, or nothing of it was measured.
        """
        makers = self._pictures()
        if name not in makers:
            raise OptionError(f"There is no picture {name!r}; there are {', '.join(makers)}.")
        return makers[name](which, ax)

    def to_html(
        self, path: str | Path, *, title: str = "What it remembers", training: FlowHistory | None = None
    ) -> Path:
        """Write the audit as one page, which needs no network, with a cursor through all of its views.

        Args:
            path: the file, which is replaced if it is there; it ends in .html.
            title: its heading.
            training: what was seen of the model's training, for a slider through it.

        Returns:
            The file.

        Raises:
            OptionError: another ending, or the extra `page` (Bokeh) is not installed.
            OutputError: the file cannot be written.
        """
        from recuerdo.show import save_memory_page

        return save_memory_page(self, path, title=title, training=training)

    def _pictures(self) -> dict[str, Drawn]:
        from recuerdo import show

        def whole(draw: Callable[..., Axes], measured: Any) -> Drawn:
            def picture(which: int | str | None, ax: Axes | None) -> Axes:
                if which is not None:
                    raise OptionError(
                        f"which={which!r}: this picture shows all layers and directions; leave which= out."
                    )
                if not measured:
                    raise OptionError(f"There is nothing to draw: {'; '.join(self.notes)}.")
                return draw(measured, ax=ax)

            return picture

        def one(draw: Callable[..., Axes], measured: Sequence[Any]) -> Drawn:
            return lambda which, ax: draw(self._one(measured, which), ax=ax)

        return {
            "gradient_flow": whole(show.plot_gradient_flow, self.gradient_flow),
            "itemised": one(show.plot_itemised, self.itemised),
            "depth": whole(show.plot_depth, self.depth),
            "gates": one(show.plot_gates, self.gates),
            "time_constants": one(show.plot_time_constants, self.gates),
            "growth": one(show.plot_growth, self.growth),
            "lyapunov": whole(show.plot_lyapunov, self.lyapunov),
        }

    def _one(self, measured: Sequence[Any], which: int | str | None) -> Any:
        """The one of that name or number; not every quantity is measured of every layer."""
        if not measured:
            raise OptionError(f"There is nothing to draw: {'; '.join(self.notes)}.")
        if which is None:
            return measured[0]
        names = [each.name for each in self.gradient_flow]
        name = names[which] if isinstance(which, int) and 0 <= which < len(names) else which
        if name not in names:
            raise OptionError(
                f"which={which!r}: the layers and directions are numbered, and there are 0 to {len(names) - 1}; their "
                f"names are {', '.join(names)}."
            )
        for each in measured:
            if each.name == name:
                return each
        raise OptionError(f"There is nothing to draw of {name}: {'; '.join(self.notes)}.")

    def __str__(self) -> str:
        fates = {each.name: each.fate for each in self.lyapunov}
        flows = [["", "|dL/ds| at the end", "at the start", "gates promise", "at most", "a change of the state"]]
        stuck = [["", "share of time", "shut", "open"]]
        for flow, gates, end in zip(self.gradient_flow, self.gates, self.ends, strict=True):
            promise = ["-", "-"]
            if gates.time_constants is not None:
                promise = [f"{of(gates.time_constants):.1f} steps" for of in (np.median, np.max)]
            ends = [f"{flow.total[end - 1]:.3g}", f"{flow.total[0]:.3g}"]
            flows.append([flow.name, *ends, *promise, fates.get(flow.name, "-")])
            for gate, left in gates.left.items():
                shares = [f"{100 * share.mean():.0f} %" for share in (left, gates.right[gate])]
                stuck.append([flow.name, gate, *shares])
        lines = [f"{self.reach}", *map(str, self.findings), "", f"Gradients of {self.loss}:", *_aligned(flows)]
        if len(stuck) > 1:
            lines += ["", *_aligned(stuck)]
        return "\n".join([*lines, *(f"Note: {note}." for note in self.notes)])


def _aligned(rows: list[list[str]]) -> list[str]:
    """Rows of a table as lines, the first column flush left and the others flush right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
