"""Draws series from stdin as SVG: time above, memory below, on logarithmic axes.

usage: python -m benchmarks.plot FILE.svg < SERIES.json
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

_INK = "#6b7280"
"""A colour that is readable on white and on black; the picture has no background."""
_LINE = "#2a78d6"


def main(to: Path) -> None:
    """Draw the picture; equal series produce equal bytes."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    series: list[dict[str, Any]] = json.load(sys.stdin)
    mpl.rcParams |= {
        "svg.hashsalt": "growth", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9,
        **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), _INK),
    }  # fmt: skip
    figure, rows = plt.subplots(2, len(series), figsize=(3.1 * len(series), 5), layout="constrained")
    for column, item in enumerate(series):
        sizes = [point["size"] for point in item["points"]]
        for axes, what, unit in zip(rows[:, column], ("seconds", "peak"), ("s of CPU", "MB"), strict=True):
            _plot(axes, sizes, [point[what] for point in item["points"]])
            axes.set_ylabel(unit if column == 0 else "")
        rows[0, column].set_title(item["title"], fontsize=10)
        rows[1, column].set_xlabel(item["unit"])
    with tempfile.NamedTemporaryFile(dir=to.parent, suffix=".svg", delete=False) as file:
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    Path(file.name).replace(to)
    to.chmod(0o644)


def _plot(axes: Any, sizes: list[int], values: list[float]) -> None:
    """Draw one curve, and proportional growth as a dotted line."""
    proportion = [values[0] * size / sizes[0] for size in sizes]
    axes.loglog(sizes, proportion, linestyle=":", color=_INK, linewidth=1)
    axes.loglog(sizes, values, marker="o", markersize=4, color=_LINE, linewidth=1.6)
    axes.set_xticks(sizes, [_short(size) for size in sizes])
    axes.minorticks_off()
    low, high = min(values), max(*values, *proportion)
    axes.set_ylim(low / 1.6, high * 1.6)
    labelled = [values[0], values[-1]] if not 0.8 < values[0] / values[-1] < 1.25 else [values[-1]]  # would overlap
    ticks = [round(value, 2 if value < 10 else 0) for value in labelled]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.spines[["top", "right"]].set_visible(False)


def _short(size: int) -> str:
    return f"{size / 1e6:g} M" if size >= 1_000_000 else f"{size // 1000} k" if size >= 1000 else str(size)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
