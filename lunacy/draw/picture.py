"""The whole map as a picture for slides and posters: PNG, SVG or PDF, drawn by matplotlib."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lunacy.draw.palette import Ground
from lunacy.errors import MissingExtra
from lunacy.region import Region, Standing

SUFFIXES = (".png", ".svg", ".pdf")
_INCHES, _DPI = 10.0, 300
_FONT_SIZES = {0: 17.0, 1: 9.5, 2: 6.0}  # points, by level; deeper ones are left out
_INK: Mapping[Ground, tuple[str, str]] = {"light": ("#111111", "#ffffff"), "dark": ("#f4f4f4", "#0e1116")}
_HALO = 2.5  # points
_LONGEST = 40  # characters of a text that was asked
_BROKEN = 20  # characters of a name, from which on it has two lines
_RIGHT = 0.7  # from where on such a text stands on the left of its ring
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
    standings: Sequence[Standing] = (),
    ground: Ground = "light",
) -> None:
    """Write the picture to `path`, in the format of `suffix`, one of SUFFIXES.

    `colours`: red, green, blue and alpha of each pixel of the map, (s, s, 4). `legend`: names, and the colour of each.
    `standings`: what has a ring, with what was asked beside it. Raises MissingExtra without matplotlib.
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
        for one in standings:
            axes.plot(one.x, one.y, "o", markersize=9, markerfacecolor="none", markeredgecolor=ink, path_effects=halo)
        _label(figure, axes, _labels(regions, standings), color=ink, path_effects=halo)
        dots = [lines.Line2D([], [], marker="o", linestyle="", color=colour, label=name) for name, colour in legend]
        axes.legend(handles=dots, loc="lower left", labelcolor=ink, frameon=False, handletextpad=0.2)
        figure.savefig(path, format=suffix[1:], metadata=_WITHOUT_DATE[suffix])


@dataclass(frozen=True, slots=True)
class _Label:
    text: str
    x: float
    y: float
    look: Mapping[str, Any]


def _labels(regions: Sequence[Region], standings: Sequence[Standing]) -> Iterator[_Label]:
    """What is asked, then the names of the regions, the largest first."""
    for one in standings:
        asked, is_left = one.asked[:_LONGEST], one.x < _RIGHT
        text, side = (f"   {asked}", "left") if is_left else (f"{asked}   ", "right")
        yield _Label(text, one.x, one.y, {"fontsize": _FONT_SIZES[1], "ha": side})
    for region in sorted(regions, key=lambda one: (one.level, -one.n_papers)):
        if region.level in _FONT_SIZES:
            weight = "bold" if region.level == 0 else "normal"
            look = {"fontsize": _FONT_SIZES[region.level], "fontweight": weight, "ha": "center"}
            yield _Label(_broken(region.label), region.x, region.y, look)


def _broken(label: str) -> str:
    """In two lines, if it is long and has two parts."""
    before, joint, after = label.partition(" and ")
    return f"{before}\nand {after}" if joint and len(label) > _BROKEN else label


def _label(figure: Any, axes: Any, labels: Iterable[_Label], **look: Any) -> None:
    """Put the labels where none lies over one before it."""
    renderer = figure.canvas.get_renderer()
    taken: list[Any] = []
    for one in labels:
        text = axes.text(one.x, one.y, one.text, va="center", parse_math=False, **one.look, **look)
        box = text.get_window_extent(renderer).expanded(_APART, _APART)
        inside = max(-box.x0, 0) - max(box.x1 - figure.bbox.x1, 0)  # pixels to the right
        text.set_x(one.x + inside / figure.bbox.width)
        box = box.translated(inside, 0)
        if any(box.overlaps(other) for other in taken):
            text.remove()
        else:
            taken.append(box)
