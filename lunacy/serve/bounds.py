"""How much may be asked of the server, and for how long: each bound is told in the answer that refuses."""

from __future__ import annotations

# of a question
TEXT = 5_000  # characters
IDS = 100  # of one list together
NAME = 500  # characters of an id or a title
UNLIKE = 20  # ids
CATEGORIES = 20
AUTHORS = 10
WORD = 200  # characters of any other value
TOP = 500  # hits
EXPLAINED = 20  # hits, with explain: about 2 s of a core
FOLDED = 5_000  # papers together times hits, with fold: 4 s of a core with 120,000 papers; 30 x 500 took 11
FOLDED_LEAST = 100  # hits, for fewer take no less time
NPROBE = 65_536  # IVF lists
BATCH = 10_000  # ids, for a list each
LISTED = 1_000  # papers of a reading list, where all are asked for, or put down at once
MAPPED = 1_000  # papers of a box of the map: more are told by their number alone
MARKED = 500  # papers that are marked on the map at once
FOUND = 8  # papers that a word on the map may mean
TILES_BYTES = 32_000_000  # of tiles that are kept

# of a request
BODY_BYTES = 2_000_000
HEADER_BYTES = 65_536  # the request line and all headers: a text of 5,000 Chinese characters has 45,000
HEADER_S = 10  # until the headers are there
BODY_S = 20  # until the body is there
SEND_S = 30  # until the client reads on
WAIT_S = 30  # for an answer

# of the server
REQUESTS = 256  # at once; more are told to come back
CONNECTIONS = 512  # below the 1,024 files that a process may have open on most systems
