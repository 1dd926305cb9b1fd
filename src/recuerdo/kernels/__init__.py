"""One door, :func:`recurrence`, and behind it the backends that compute the same function, each as fast as it can."""

from recuerdo.kernels.door import BACKENDS, Backend, Job, recurrence

__all__ = ["BACKENDS", "Backend", "Job", "recurrence"]
