"""What has to be known about single rows, each distinct note once."""

from __future__ import annotations

from typing import Any

from .measuring import Row

BUSY = 0.1
"""The share of the processors that others may use before one is warned."""
TABLES = ("grid", "streaming", "memory", "long", "growth")


def compressed(rows: list[Row]) -> list[str]:
    """Return one line for each distinct note of the rows of the grid, with how many it is about and with which.

    The shapes are named where it is not about all of a cell and mode that ran.
    """
    ran: dict[tuple[str, str], list[str]] = {}
    about: dict[str, dict[tuple[str, str], list[str]]] = {}
    for row in rows:
        key, shape = (row["cell"], row["mode"]), ",".join(map(str, row["shape"]))
        ran.setdefault(key, []).append(shape)
        for note in row["notes"]:
            about.setdefault(note, {}).setdefault(key, []).append(shape)
    lines = []
    for note, keys in about.items():
        by_shapes: dict[str, dict[str, list[str]]] = {}  # which shapes -> cell -> modes
        for (cell, mode), shapes in keys.items():
            which = "all shapes" if shapes == ran[cell, mode] else " ".join(shapes)
            by_shapes.setdefault(which, {}).setdefault(cell, []).append(mode)
        parts = []
        for which, cells in by_shapes.items():
            by_modes: dict[str, list[str]] = {}
            for cell, modes in cells.items():
                by_modes.setdefault(" and ".join(modes), []).append(cell)
            parts += [f"{', '.join(names)}: {modes}, {which}" for modes, names in by_modes.items()]
        count = sum(map(len, keys.values()))
        lines.append(f"{note} – {count} of {len(rows)} rows ({'; '.join(parts)})")
    return lines


def elsewhere(found: dict[str, Any]) -> list[str]:
    """Return why figures outside the grid are missing, each reason once."""
    said = [note for row in found.get("streaming", []) for note in row["notes"]]
    for row in [*found.get("memory", []), *found.get("long", [])]:
        shape = ",".join(map(str, row["shape"]))
        what = f"memory of {row.get('cell', 'lstm')} {shape}"
        said += [f"{what}, {who}: {row[who]}" for who in ("ours", "peer", "peak") if isinstance(row.get(who), str)]
    return list(dict.fromkeys(said))


def disturbed(found: dict[str, Any]) -> str | None:
    """Say so if other processes were busy during measurements: threads then wait for one another."""
    shares = [row["others_busy"] or 0.0 for table in TABLES for row in found.get(table, []) if "others_busy" in row]
    many = sum(share > BUSY for share in shares)
    if not many:
        return None
    return (
        f"Other processes used over {BUSY:.0%} of the processors, at most {max(shares):.0%}, during {many} of "
        f"{len(shares)} rows: their times say little."
    )
