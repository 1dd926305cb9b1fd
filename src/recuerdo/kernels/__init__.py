"""One door, :func:`recurrence`, and behind it the backends that compute the same function, each as fast as it can."""

from recuerdo.kernels.calling import bf16_path, native_path, release_memory
from recuerdo.kernels.door import BACKENDS, Backend, Explained, only, recurrence
from recuerdo.kernels.job import Job
from recuerdo.kernels.watching import Watcher, watching

__all__ = [
    "BACKENDS",
    "Backend",
    "Explained",
    "Job",
    "Watcher",
    "bf16_path",
    "native_path",
    "only",
    "recurrence",
    "release_memory",
    "watching",
]
