"""arXiv's metadata snapshot (JSON Lines, as Kaggle has it): a stream of bytes -> lines -> papers -> windows of entries.

Memory is bounded by the longest line, whatever the file holds. A bad line has a number, an offset and a reason.
"""

from lunacy.snapshot.ahead import Stopped
from lunacy.snapshot.lines import Line, Snapshot
from lunacy.snapshot.parse import BadLine, parse
from lunacy.snapshot.quarantine import Quarantine
from lunacy.snapshot.reading import read_windows
from lunacy.snapshot.windows import WINDOW, Window

__all__ = ["WINDOW", "BadLine", "Line", "Quarantine", "Snapshot", "Stopped", "Window", "parse", "read_windows"]
