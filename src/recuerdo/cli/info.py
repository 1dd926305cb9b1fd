"""`recuerdo info`: what runs here, for a report of a fault or a slow machine."""

from __future__ import annotations


def info() -> None:
    """Print versions, backends, threads, processor and accelerators."""
    import os
    import platform
    from importlib.metadata import PackageNotFoundError, version
    from pathlib import Path

    import torch

    from recuerdo._version import __version__
    from recuerdo.kernels import BACKENDS, bf16_path, native_path

    def installed(package: str) -> str:
        try:
            return version(package)
        except PackageNotFoundError:
            return "not installed"

    interesting = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16", "asimd", "sve")
    cpuinfo = Path("/proc/cpuinfo")
    words = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set()
    flags = " ".join(flag for flag in interesting if flag in words) or "not known on this system"
    devices = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    rows = {
        "recuerdo": __version__,
        "python": f"{platform.python_version()} on {platform.platform()}",
        **{
            p: installed(p)
            for p in ("torch", "numpy", "polars", "narwhals", "scikit-learn", "safetensors", "matplotlib")
        },
        "backends": f"{', '.join(BACKENDS)} (asked in this order)",
        "native": native_path(),
        "bfloat16": bf16_path(),
        "threads": f"{torch.get_num_threads()} of {os.cpu_count()} processors",
        "instructions": f"{flags}; torch uses {torch.backends.cpu.get_cpu_capability()}",
        "accelerators": ", ".join(devices) or "none that torch sees",
    }
    for name, value in rows.items():
        print(f"{name:<13} {value}")
