"""What a recurrent network remembers: where its gradients go, what its gates do, and what a single step computes."""

from recuerdo.memory.flow import GradientFlow, gradient_flow
from recuerdo.memory.gates import GateActivity, gate_activity
from recuerdo.memory.jacobians import Lyapunov, lyapunov, spectral_norm
from recuerdo.memory.recording import Recorded, record
from recuerdo.memory.steps import Steps

__all__ = [
    "GateActivity",
    "GradientFlow",
    "Lyapunov",
    "Recorded",
    "Steps",
    "gate_activity",
    "gradient_flow",
    "lyapunov",
    "record",
    "spectral_norm",
]
