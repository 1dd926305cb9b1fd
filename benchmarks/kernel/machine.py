"""Where the numbers come from: machine, instruction sets, threads, versions, commit, date."""

from __future__ import annotations

import importlib
import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import torch

import recuerdo as rc

from .cases import SEED

ROOT = Path(__file__).resolve().parents[2]
INSTRUCTIONS = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16")


def described() -> dict[str, object]:
    """Everything that a reader needs to judge a number."""
    return {
        "machine": f"{processor()}, {os.cpu_count()} processors, {platform.machine()}, {platform.system()}",
        "instructions": instructions(),
        "torch_instructions": torch.backends.cpu.get_cpu_capability(),
        "native_instructions": native(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "recuerdo": rc.__version__,
        "seed": SEED,
        "backends": list(rc.kernels.BACKENDS),
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _cpuinfo(name: str) -> str:
    path = Path("/proc/cpuinfo")
    found = re.search(rf"^{name}\s*: (.*)", path.read_text() if path.exists() else "", re.MULTILINE)
    return found[1] if found else ""


def processor() -> str:
    """The processor's name."""
    return _cpuinfo("model name") or platform.processor() or "unknown processor"


def instructions() -> list[str]:
    """The instruction sets that matter here and that the processor has."""
    flags = _cpuinfo("flags").split()
    return [name for name in INSTRUCTIONS if name in flags]


class Others:
    """How much of the processors other processes use, from when this is made until it is asked."""

    def __init__(self) -> None:
        self.before = self._look()

    def share(self) -> float | None:
        """Their part of all processors' time, None where the system does not say."""
        if self.before is None or (after := self._look()) is None:
            return None
        total, idle, own = (later - earlier for earlier, later in zip(self.before, after, strict=True))
        return max(0.0, (total - idle - own) / max(total, 1e-9))

    @staticmethod
    def _look() -> tuple[float, float, float] | None:
        """Seconds of all processors, of those idle, and of this process with the children that it has waited for."""
        stat = Path("/proc/stat")
        if not stat.exists():
            return None
        ticks = [int(each) for each in stat.read_text().splitlines()[0].split()[1:9]]
        second = os.sysconf("SC_CLK_TCK")
        idle = ticks[3] + ticks[4]  # user, nice, system, idle, iowait, irq, softirq, steal
        return sum(ticks) / second, idle / second, sum(os.times()[:4])


def native() -> str | None:
    """The instruction set that the native core has chosen, None without one."""
    try:
        return importlib.import_module("recuerdo.kernels._native").path()
    except ImportError:
        return None


def no_bf16() -> str | None:
    """Say why bfloat16 is not measured, None if it is."""
    try:
        return importlib.import_module("recuerdo.kernels._native").no_bf16() or None
    except ImportError:
        return "the native core is not built"


def commit() -> str:
    """The commit that is checked out, with a + where files differ from it."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    return subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()
