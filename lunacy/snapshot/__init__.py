"""arXiv's metadata snapshot (JSON Lines, as Kaggle has it): a stream of bytes -> lines -> papers -> batches of entries.

Memory is bounded by the longest line, whatever the file holds. A bad line has a number, an offset and a reason.
"""

from lunacy.snapshot.ahead import Stopped, read_ahead
from lunacy.snapshot.batches import BATCH_LINES, Batch, KnownLines, refusal
from lunacy.snapshot.lines import Line, Snapshot
from lunacy.snapshot.parse import VERSION as PARSER_VERSION
from lunacy.snapshot.parse import BadLine, parse
from lunacy.snapshot.pieces import LINE_BYTES, Piece, cut, read_piece
from lunacy.snapshot.quarantine import Quarantine
from lunacy.snapshot.reading import PROCESS_FROM_BYTES, read_batches

__all__ = [
    "BATCH_LINES",
    "LINE_BYTES",
    "PARSER_VERSION",
    "PROCESS_FROM_BYTES",
    "BadLine",
    "Batch",
    "KnownLines",
    "Line",
    "Piece",
    "Quarantine",
    "Snapshot",
    "Stopped",
    "cut",
    "parse",
    "read_ahead",
    "read_batches",
    "read_piece",
    "refusal",
]
