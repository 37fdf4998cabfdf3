"""What `papers.db` says of an index as a whole: its table `meta`, and the segments that it names."""

from __future__ import annotations

from dataclasses import asdict
from hashlib import blake2b

import orjson

from lunacy.errors import IndexDamaged
from lunacy.fingerprint import Fingerprint
from lunacy.scope import Scope
from lunacy.store.database import Database
from lunacy.store.own_database import see_verify
from lunacy.store.segments import Segment

SNAPSHOT, HARVEST = "snapshot", "harvest"  # kinds of sources
MOST_ROWS = 2**32
_LARGEST_DIM = 2**16
_MOST_DIGITS = 18


def begin_meta(
    database: Database,
    fingerprint: Fingerprint | None,
    scope: Scope,
    *,
    generation: int = 0,
    arithmetic: str = "",
    mark: bytes = b"",
    source: tuple[str, str] = ("", ""),
) -> None:
    """Fill the table of a new database. `fingerprint`: None where `write_fingerprint` follows."""
    values = {
        "generation": str(generation),
        "fingerprint": _as_json(fingerprint) if fingerprint else "",
        "arithmetic": arithmetic,
        "scope": _as_json(scope),
        "mark": mark.hex(),
        "source": source[0],
        "datestamp": source[1],
        "check": "",
    }
    database.run_many("INSERT INTO meta VALUES (?, ?)", list(values.items()))


def write_meta(database: Database, key: str, value: str) -> None:
    """Change one value; `finish_meta` comes before the commit."""
    database.run("UPDATE meta SET value = ? WHERE key = ?", (value, key))


def write_fingerprint(database: Database, fingerprint: Fingerprint) -> None:
    """Record what makes the vectors of a new index."""
    write_meta(database, "fingerprint", _as_json(fingerprint))


def write_source(database: Database, source: tuple[str, str]) -> None:
    """Change what `read_source` reads."""
    write_meta(database, "source", source[0])
    write_meta(database, "datestamp", source[1])


def is_news(database: Database, source: tuple[str, str], *, is_new_scope: bool) -> bool:
    """Whether to record `source`: an older one takes nothing back that a later one brought, so the later date stays.

    Unless the scope has become another, of which the later one did not tell all.
    """
    before = read_source(database)
    return source != before and (is_new_scope or source[1] >= before[1])


def insert_segment(database: Database, segment: Segment) -> None:
    """Name a segment."""
    columns = segment.number, segment.first_row, segment.n_rows, segment.size_bytes, segment.sha256
    database.run("INSERT INTO segments VALUES (?, ?, ?, ?, ?)", columns)


def write_scope(database: Database, scope: Scope) -> None:
    """Change which papers of its snapshots the index takes in."""
    write_meta(database, "scope", _as_json(scope))


def write_without_words(database: Database) -> None:
    """Record that the word index is made on request alone."""
    database.run("INSERT OR REPLACE INTO meta VALUES ('words', 'on request')")


def finish_meta(database: Database) -> None:
    """Bind all values by their hash."""
    write_meta(database, "check", meta_check(database))


def _as_json(value: Fingerprint | Scope) -> str:
    return orjson.dumps(asdict(value)).decode()


def read_generation(database: Database) -> int:
    """How many commits the index has had."""
    [value] = database.one("SELECT value FROM meta WHERE key = 'generation'")
    if not (isinstance(value, str) and value.isdecimal() and value.isascii() and len(value) < _MOST_DIGITS):
        raise IndexDamaged(
            f"the generation in papers.db is {str(value)[:40]!r}",
            where=database.folder,
            hint=see_verify(database.folder),
        )
    return int(value)


def read_fingerprint(database: Database) -> Fingerprint:
    """What made the vectors."""
    [value] = database.one("SELECT value FROM meta WHERE key = 'fingerprint'")
    try:
        fingerprint = Fingerprint(**orjson.loads(value))
    except (orjson.JSONDecodeError, TypeError) as error:
        raise IndexDamaged(f"the fingerprint in papers.db is not one: {error}", where=database.folder) from None
    if not (isinstance(fingerprint.dim, int) and 0 < fingerprint.dim <= _LARGEST_DIM):
        raise IndexDamaged(f"the dimension in papers.db is {fingerprint.dim!r}", where=database.folder)
    if not isinstance(fingerprint.model, str):
        raise IndexDamaged(f"the model in papers.db is {str(fingerprint.model)[:40]}", where=database.folder)
    return fingerprint


def read_segments(database: Database) -> list[Segment]:
    """The segments that the database names, in row order. Raises IndexDamaged for what no writer wrote."""
    segments = []
    end = 0
    for columns in database.all(
        "SELECT number, first_row, n_rows, size_bytes, sha256 FROM segments ORDER BY first_row"
    ):
        segment = Segment(*columns)
        if not all(isinstance(value, int) for value in columns[:4]) or not (
            0 < segment.number < MOST_ROWS
            and segment.n_rows > 0
            and end <= segment.first_row <= MOST_ROWS - segment.n_rows
        ):
            raise IndexDamaged(f"papers.db names a segment that cannot be: {columns}", where=database.folder)
        end = segment.end_row
        segments.append(segment)
    return segments


def read_arithmetic(database: Database) -> str:
    """The device and number format of the last vectors."""
    [value] = database.one("SELECT value FROM meta WHERE key = 'arithmetic'")
    return str(value)


def read_source(database: Database) -> tuple[str, str]:
    """What the last complete run read, and the date of the last change in it ("" if unknown); both "" before one."""
    [[datestamp], [source]] = (
        database.one("SELECT value FROM meta WHERE key = ?", (key,)) for key in ("datestamp", "source")
    )
    return str(source), str(datestamp)


def read_without_words(database: Database) -> bool:
    """Whether the word index is made on request alone."""
    return bool(database.all("SELECT value FROM meta WHERE key = 'words'"))


def read_scope(database: Database) -> Scope:
    """Which papers of its snapshots the index takes in."""
    [value] = database.one("SELECT value FROM meta WHERE key = 'scope'")
    try:
        patterns = orjson.loads(value)["category"]
        if not (isinstance(patterns, list) and all(isinstance(one, str) for one in patterns)):
            raise TypeError("category is no list of texts")
    except (orjson.JSONDecodeError, TypeError, KeyError) as error:
        raise IndexDamaged(f"the scope in papers.db is not one: {error}", where=database.folder) from None
    return Scope(tuple(patterns))


def meta_check(database: Database) -> str:
    """A hash of what `meta` says, but the generation, so that `verify` finds a change in it."""
    keys = "'fingerprint', 'arithmetic', 'mark', 'scope', 'source', 'datestamp', 'words'"
    values = database.all(f"SELECT value FROM meta WHERE key IN ({keys}) ORDER BY key")
    return blake2b("\x1f".join(str(value) for [value] in values).encode(), digest_size=16).hexdigest()
