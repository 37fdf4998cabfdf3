"""The whole map as a picture for slides and posters: PNG, SVG or PDF, drawn by matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lunacy.draw.palette import Ground
from lunacy.errors import MissingExtra
from lunacy.region import Region

SUFFIXES = (".png", ".svg", ".pdf")
_INCHES, _DPI = 10.0, 300
_FONT_SIZES = {0: 17.0, 1: 9.5, 2: 6.0}  # points, by level; deeper ones are left out
_INK: Mapping[Ground, tuple[str, str]] = {"light": ("#111111", "#ffffff"), "dark": ("#f4f4f4", "#0e1116")}
_HALO = 2.5  # points
_APART = 1.08  # of the size of a label: no other one within it
_LOOK = {"font.size": 8, "pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "lunacy"}  # letters stay letters
_WITHOUT_DATE = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}  # the same map, the same bytes


def write_picture(
    path: Path,
    suffix: str,
    colours: npt.NDArray[np.uint8],
    regions: Sequence[Region],
    legend: Sequence[tuple[str, str]],
    *,
    ground: Ground = "light",
) -> None:
    """Write the picture to `path`, in the format of `suffix`, one of SUFFIXES.

    `colours`: red, green, blue and alpha of each pixel of the map, (s, s, 4). `legend`: names, and the colour of each.
    Raises MissingExtra without matplotlib.
    """
    try:
        matplotlib: Any = import_module("matplotlib")
        figures: Any = import_module("matplotlib.figure")
        canvases: Any = import_module("matplotlib.backends.backend_agg")
        effects: Any = import_module("matplotlib.patheffects")
        lines: Any = import_module("matplotlib.lines")
    except ImportError:
        raise MissingExtra("matplotlib, which draws the picture,", "map") from None
    ink, paper = _INK[ground]
    with matplotlib.rc_context(_LOOK):
        figure = figures.Figure(figsize=(_INCHES, _INCHES), dpi=_DPI, facecolor=paper)
        canvases.FigureCanvasAgg(figure)  # which measures labels
        axes = figure.add_axes((0, 0, 1, 1))
        axes.imshow(colours, extent=(0, 1, 1, 0), interpolation="antialiased")
        axes.set_axis_off()
        halo = [effects.withStroke(linewidth=_HALO, foreground=paper)]
        _label(figure, axes, regions, color=ink, path_effects=halo)
        dots = [lines.Line2D([], [], marker="o", linestyle="", color=colour, label=name) for name, colour in legend]
        axes.legend(handles=dots, loc="lower left", labelcolor=ink, frameon=False, handletextpad=0.2)
        figure.savefig(path, format=suffix[1:], metadata=_WITHOUT_DATE[suffix])


def _label(figure: Any, axes: Any, regions: Sequence[Region], **look: Any) -> None:
    """Put the labels of the regions, the largest first, where none lies over another."""
    renderer = figure.canvas.get_renderer()
    taken: list[Any] = []
    for region in sorted(regions, key=lambda one: (one.level, -one.n_papers)):
        if region.level not in _FONT_SIZES:
            continue
        text = axes.text(
            region.x,
            region.y,
            region.label,
            fontsize=_FONT_SIZES[region.level],
            fontweight="bold" if region.level == 0 else "normal",
            ha="center",
            va="center",
            parse_math=False,
            **look,
        )
        box = text.get_window_extent(renderer).expanded(_APART, _APART)
        if any(box.overlaps(other) for other in taken):
            text.remove()
        else:
            taken.append(box)
