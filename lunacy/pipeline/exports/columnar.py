"""Parquet and Arrow: with `on_ray/` the only importer of pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from lunacy.arrays import Vectors
from lunacy.derived.graph import Graph
from lunacy.derived.map import open_map, positions_of
from lunacy.entry import FIELDS, Entry, to_paper
from lunacy.errors import SnapshotError
from lunacy.fingerprint import Fingerprint
from lunacy.pipeline.exports.graph_files import live_blocks
from lunacy.pipeline.exports.papers import ALL, BLOCK, blocks
from lunacy.progress import Report
from lunacy.scope import Scope
from lunacy.store import View

_KEY = b"lunacy"  # of the schema's metadata
_VERSION = 1
_FAULTS = (pa.ArrowException, OSError, ValueError, KeyError, TypeError)


@dataclass(frozen=True, slots=True)
class Origin:
    """What an exported file says of the index that it is from."""

    fingerprint: Fingerprint
    arithmetic: str
    scope: Scope
    source: tuple[str, str]  # as `View.source`
    generation: int
    n_papers: int


def write_papers(view: View, path: Path, progress: Report) -> None:
    """Write all that the index knows of its papers, and the vectors as they are, as Parquet; of a map its places."""
    found = open_map(view)
    places = positions_of(found.points, np.arange(view.end_row)) if found else None  # (end_row, 2)
    schema = _paper_schema(view.fingerprint.dim).with_metadata({_KEY: orjson.dumps(_described(view))})
    for name in "xy" if places is not None else "":
        schema = schema.append(pa.field(name, pa.float32()))
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False) as writer:
        for block in blocks(view, ALL, progress):
            columns = {name: _values(name, values) for name, values in block.columns.items()}
            columns["vector"] = pa.FixedSizeListArray.from_arrays(
                pa.array(block.vectors.reshape(-1)), view.fingerprint.dim
            )
            if places is not None:
                x, y = places[block.rows].T
                columns |= {"x": pa.array(x, from_pandas=True), "y": pa.array(y, from_pandas=True)}  # null for NaN
            writer.write_table(pa.table(columns, schema=schema), row_group_size=BLOCK)


def _paper_schema(dim: int) -> pa.Schema:
    kinds = {"n_versions": pa.int32(), "withdrawn": pa.bool_(), "categories": pa.list_(pa.string())}
    fields = [pa.field(name, kinds.get(name, pa.string())) for name in ALL]
    return pa.schema([*fields, pa.field("vector", pa.list_(pa.float32(), dim))])


def _values(name: str, values: tuple[Any, ...]) -> list[Any]:
    """A column, with null for what is not known."""
    if name == "categories":
        return [one.split() for one in values]
    if name == "withdrawn":
        return [bool(one) for one in values]
    return [one or None for one in values]


def _described(view: View) -> dict[str, object]:
    return {
        "version": _VERSION,
        "fingerprint": asdict(view.fingerprint),
        "arithmetic": view.arithmetic,
        "scope": asdict(view.scope),
        "source": view.source,
        "generation": view.generation,
        "n_papers": view.n_papers,
    }


def write_dimensions(view: View, path: Path, progress: Report) -> None:
    """Write ids and vectors as an Arrow file (Feather): a column for each dimension, from dim0 on."""
    names = [f"dim{n}" for n in range(view.fingerprint.dim)]
    fields = [pa.field("id", pa.string()), *(pa.field(name, pa.float32()) for name in names)]
    schema = pa.schema(fields, metadata={_KEY: orjson.dumps(_described(view))})
    with pa.ipc.new_file(path, schema) as writer:
        for block in blocks(view, ("id",), progress):
            columns = [pa.array(column) for column in np.ascontiguousarray(block.vectors.T)]
            ids = pa.array(block.columns["id"], pa.string())
            writer.write_batch(pa.RecordBatch.from_arrays([ids, *columns], schema=schema))


def write_edges(view: View, graph: Graph, path: Path, progress: Report) -> None:
    """Write the graph as Parquet: id, that of a neighbour, its rank from 1, and the cosine."""
    kinds = {"id": pa.string(), "neighbour": pa.string(), "rank": pa.int16(), "cosine": pa.float32()}
    described = {**_described(view), "graph": graph.facts.record()}
    schema = pa.schema(kinds, metadata={_KEY: orjson.dumps(described)})
    place_of = np.cumsum(graph.keys != 0) - 1  # by row
    ids = pa.array((identifier for _row, identifier in view.stream("id")), pa.string())
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for rows, lists in live_blocks(graph, progress):
            places, nth = (lists.rows >= 0).nonzero()
            columns = [
                ids.take(pa.array(place_of[rows[places]])),
                ids.take(pa.array(place_of[lists.rows[places, nth]])),
                pa.array((nth + 1).astype(np.int16)),
                pa.array(lists.cosines[places, nth]),
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def read_origin(path: Path) -> Origin:
    """What a file of `write_papers` is from. Raises SnapshotError, naming what is lacking, for another file."""
    try:
        schema = pq.read_schema(path)
    except FileNotFoundError:
        raise SnapshotError(f"{path}: there is no such file") from None
    except _FAULTS as error:
        raise SnapshotError(f"{path}: no Parquet file, or a damaged one ({_first_line(error)})") from None
    lacking = [name for name in (*ALL, "vector") if name not in schema.names]
    if lacking:
        raise SnapshotError(f"{path}: not exported by lunacy, as it lacks the columns {', '.join(lacking)}")
    try:
        told = orjson.loads((schema.metadata or {})[_KEY])
        if told["version"] != _VERSION:
            raise SnapshotError(f"{path}: of another version of lunacy; export it anew")
        fingerprint, scope = Fingerprint(**told["fingerprint"]), Scope(tuple(told["scope"]["category"]))
        kind, day = told["source"]
        origin = Origin(fingerprint, told["arithmetic"], scope, (kind, day), told["generation"], told["n_papers"])
    except _FAULTS as error:
        raise SnapshotError(f"{path}: it does not say what made its vectors ({type(error).__name__})") from None
    for field in _paper_schema(origin.fingerprint.dim):
        if (found := schema.field(field.name).type) != field.type:
            raise SnapshotError(f"{path}: the column {field.name} is {found}, and {field.type} is needed")
    return origin


def read_papers(path: Path, origin: Origin) -> Iterator[tuple[list[Entry], Vectors]]:
    """The entries and the vectors, (n, dim) float32, that `write_papers` wrote. Raises SnapshotError for damage."""
    recipe, dim = origin.fingerprint.text, origin.fingerprint.dim
    n_read = 0
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(BLOCK, columns=[*ALL, "vector"]):
                entries = _entries(batch, recipe)
                vector = batch["vector"]
                if vector.null_count or any(not entry.id for entry in entries):
                    raise ValueError("a paper without id or vector")
                n_read += len(entries)
                yield entries, vector.flatten().to_numpy().reshape(-1, dim)
    except _FAULTS as error:
        raise SnapshotError(f"{path}: damaged behind {n_read:,} papers ({_first_line(error)})") from None


def _entries(batch: pa.RecordBatch, recipe: str) -> list[Entry]:
    """Raises ValueError for a date that is none: filters would stumble over it."""
    unknown: dict[str, Any] = {"categories": (), "n_versions": 0}
    columns = {name: [one or unknown.get(name, "") for one in batch[name].to_pylist()] for name in FIELDS}
    columns["categories"] = [" ".join(one) for one in columns["categories"]]
    for one in {*columns["submitted"], *columns["updated"]} - {""}:
        if date.fromisoformat(one).isoformat() != one:
            raise ValueError(f"{one!r} is no date")
    papers = map(to_paper, zip(*columns.values(), strict=True))
    withdrawn = batch["withdrawn"].to_pylist()
    return [Entry.with_notice(paper, recipe, withdrawn=bool(one)) for paper, one in zip(papers, withdrawn, strict=True)]


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:200]
