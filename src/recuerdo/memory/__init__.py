"""What a recurrent network remembers: where its gradients go, what its gates do, and what a single step computes."""

from recuerdo.memory.audited import Audit
from recuerdo.memory.auditing import audit
from recuerdo.memory.bounds import NormBound, norm_bound
from recuerdo.memory.capacity import Capacity, memory_capacity
from recuerdo.memory.depth import DepthFlow, gradient_by_depth, gradient_by_layer
from recuerdo.memory.findings import Finding
from recuerdo.memory.flow import GradientFlow, gradient_flow
from recuerdo.memory.flow_history import FlowAt, FlowHistory
from recuerdo.memory.four_cells import CellTrial, FourCells, four_cells
from recuerdo.memory.gates import GateActivity, gate_activity
from recuerdo.memory.growth import Growth, growth
from recuerdo.memory.horizon import Horizon, horizon
from recuerdo.memory.itemised import ItemisedFlow, itemised_flow
from recuerdo.memory.jacobians import Lyapunov, lyapunov, spectral_norm
from recuerdo.memory.movement import Movement, WeightMovement
from recuerdo.memory.reach import Needed, Reach
from recuerdo.memory.recall import Recall, recall
from recuerdo.memory.recording import Recorded, record
from recuerdo.memory.statements import Shrinking, shrinking_in_depth, shrinking_in_time
from recuerdo.memory.steps import Steps
from recuerdo.memory.unfold import Unfolded, unfold

__all__ = [
    "Audit",
    "Capacity",
    "CellTrial",
    "DepthFlow",
    "Finding",
    "FlowAt",
    "FlowHistory",
    "FourCells",
    "GateActivity",
    "GradientFlow",
    "Growth",
    "Horizon",
    "ItemisedFlow",
    "Lyapunov",
    "Movement",
    "Needed",
    "NormBound",
    "Reach",
    "Recall",
    "Recorded",
    "Shrinking",
    "Steps",
    "Unfolded",
    "WeightMovement",
    "audit",
    "four_cells",
    "gate_activity",
    "gradient_by_depth",
    "gradient_by_layer",
    "gradient_flow",
    "growth",
    "horizon",
    "itemised_flow",
    "lyapunov",
    "memory_capacity",
    "norm_bound",
    "recall",
    "record",
    "shrinking_in_depth",
    "shrinking_in_time",
    "spectral_norm",
    "unfold",
]
