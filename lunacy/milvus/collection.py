"""A collection of a Milvus server, or of a file of milvus-lite, that holds a published index."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

from lunacy.arrays import Vectors
from lunacy.errors import MissingExtra, ServerError
from lunacy.filter import date_number
from lunacy.fingerprint import Fingerprint
from lunacy.measured import IvfFacts
from lunacy.milvus.address import Address
from lunacy.milvus.expression import among, id_of, key_of
from lunacy.paper import Paper

MOST_HITS = 16_384  # the most that a server lists
READY_S = 60.0  # a server that just started answers on its port long before it can be asked
_FACTS = "lunacy"  # the id of the one row of the collection that tells what is there
_VERSION = 2
_AT_A_TIME = 1000  # rows of some 2 kB each
_TIMEOUT_S = 60.0
_INDEX_S = 600.0
_POLL_S = 0.5
_FIELD_BYTES = 65_535  # the most that a text field holds
_PIECE = _FIELD_BYTES // 4  # characters
_LEAST_NLIST, _MOST_NLIST = 16, 4096


class Row(NamedTuple):
    """A paper as it is published. Its abstract stays behind: no answer shows it."""

    paper: Paper
    is_withdrawn: bool
    stamp: bytes  # changes when the paper or its vector does
    vector: npt.NDArray[np.float32]  # (dim,)


@dataclass(frozen=True, slots=True)
class Published:
    """What a collection holds, told by itself."""

    fingerprint: Fingerprint
    arithmetic: str = ""
    generation: int = 0  # of the index, when it was published
    n_papers: int | None = None  # None: it was never published to the end
    n_withdrawn: int = 0
    by_category: dict[str, int] = field(default_factory=dict)
    dates: tuple[str, str] = ("", "")  # of the earliest and the latest change
    pairs: list[float] | None = None  # quantiles of the cosine of random papers
    ivf: IvfFacts | None = None  # None: there are no lists


class Collection:
    """An open collection. A failure of the server is a ServerError."""

    def __init__(self, address: Address, *, wait_s: float = READY_S) -> None:
        """Connect, waiting up to `wait_s` for a server that is starting. Raises MissingExtra, ServerError."""
        self.address = address
        self._client, self._types, self._failures = _connect(address, wait_s)

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _ask(self, method: str, *, of: str | None = None, **options: Any) -> Any:
        try:
            return getattr(self._client, method)(of or self.address.collection, **{"timeout": _TIMEOUT_S, **options})
        except self._failures as error:
            raise _failed(self.address, error) from None

    def exists(self) -> bool:
        """Whether the collection is there."""
        return bool(self._ask("has_collection"))

    def create(self, dim: int, *, lists_for: int | None = None) -> None:
        """Make it: for exact answers, or quick, with lists for so many papers."""
        schema = self._schema(dim)
        schema.add_field("stamp", self._types.VARCHAR, max_length=64)
        schema.add_field("withdrawn", self._types.BOOL)
        if lists_for is None:
            schema.add_field("updated", self._types.INT32)
            schema.add_field("categories", **self._texts(1000))
            schema.add_field("paper", **self._texts(_FIELD_BYTES))
        self._create(self.address.collection, schema, _index(lists_for))

    def published(self) -> Published:
        """What it holds. Raises ServerError where that is not lunacy's, or of another version."""
        if not self.exists():
            hint = "fill it with: lunacy publish"
            raise ServerError("there is no such collection", where=self.address.name, hint=hint)
        found = []
        if self._ask("has_collection", of=self.address.facts):
            self._ask("load_collection", of=self.address.facts)
            found = self._ask("query", of=self.address.facts, filter=f'id == "{_FACTS}"', output_fields=["facts"])
        if not found:
            raise ServerError(f"{self.address.name} is a collection that lunacy did not make; take another")
        facts = orjson.loads("".join(found[0]["facts"]))
        if facts.pop("version") != _VERSION:
            raise ServerError(
                f"{self.address.name} was published by another version of lunacy; use that one, or take another name"
            )
        ivf = facts["ivf"] and IvfFacts.read(facts["ivf"])
        fingerprint = Fingerprint(**facts["fingerprint"])
        return Published(**{**facts, "fingerprint": fingerprint, "dates": tuple(facts["dates"]), "ivf": ivf})

    def describe(self, published: Published) -> None:
        """Set down what it holds: in a collection of its own, as a server forgets changed properties when it dies."""
        name = self.address.facts
        if not self._ask("has_collection", of=name):
            schema = self._schema(2)
            schema.add_field("facts", **self._texts(_FIELD_BYTES))
            self._create(name, schema, _index(None))
        ivf = published.ivf and published.ivf.record()
        text = orjson.dumps({"version": _VERSION, **asdict(published), "ivf": ivf}).decode()
        self._ask("upsert", of=name, data=[{"id": _FACTS, "vector": [1.0, 0.0], "facts": _pieces(text)}])
        self._ask("load_collection", of=name)
        self._ask("query", of=name, filter="", output_fields=["count(*)"], consistency_level="Strong")  # it is seen

    def _schema(self, dim: int) -> Any:
        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", self._types.VARCHAR, is_primary=True, max_length=2400)
        schema.add_field("vector", self._types.FLOAT_VECTOR, dim=dim)
        return schema

    def _texts(self, max_bytes: int) -> dict[str, Any]:
        types = {"datatype": self._types.ARRAY, "element_type": self._types.VARCHAR}
        return {**types, "max_capacity": 4096, "max_length": max_bytes}

    def _create(self, name: str, schema: Any, kind: dict[str, Any]) -> None:
        index = self._client.prepare_index_params()
        index.add_index("vector", metric_type="IP", **kind)
        level = "Bounded"  # "Strong" waits 200 ms for the server's clock
        self._ask("create_collection", of=name, schema=schema, index_params=index, consistency_level=level)

    def load(self) -> None:
        """Have the server hold it in memory; returns when it does."""
        self._ask("load_collection", timeout=_INDEX_S)

    def settle(self) -> None:
        """Have the server flush what it was given and finish its index."""
        self._ask("flush", timeout=_INDEX_S)
        given_up = time.monotonic() + _INDEX_S
        while self._ask("describe_index", index_name="vector").get("pending_index_rows"):
            if time.monotonic() > given_up:
                raise ServerError(f"{self.address.name}: the server has not indexed all in {_INDEX_S:.0f} s; run again")
            time.sleep(_POLL_S)

    def count(self) -> int:
        """How many papers it holds. What was accepted before is in this, and in all that is asked after it."""
        [found] = self._ask("query", filter="", output_fields=["count(*)"], consistency_level="Strong")
        return int(found["count(*)"])

    def ids(self) -> Iterator[list[str]]:
        """All ids, some at a time."""
        try:
            pages = self._client.query_iterator(
                self.address.collection,
                batch_size=_AT_A_TIME,
                filter='id != ""',
                output_fields=["id"],
                consistency_level="Strong",
                timeout=_TIMEOUT_S,
            )
            while page := pages.next():
                yield [id_of(one["id"]) for one in page]
            pages.close()
        except self._failures as error:
            raise _failed(self.address, error) from None

    def stamps(self, ids: Sequence[str]) -> dict[str, str]:
        """The stamps of those `ids` that it holds."""
        return {id_of(one["id"]): one["stamp"] for one in self._some(ids, ["id", "stamp"])}

    def held(self, ids: Sequence[str]) -> set[str]:
        """Those of `ids` that it holds."""
        return {id_of(one["id"]) for one in self._some(ids, ["id"])}

    def fetch(self, ids: Sequence[str]) -> dict[str, tuple[Paper, npt.NDArray[np.float32]]]:
        """The papers, but for their abstracts, and vectors of those `ids` that it holds."""
        return {
            id_of(one["id"]): (_paper(one["paper"]), np.asarray(one["vector"], np.float32))
            for one in self._some(ids, ["id", "paper", "vector"])
        }

    def upsert(self, rows: Sequence[Row], *, is_whole: bool) -> None:
        """Take in papers, in the place of those with their ids: never `insert`, of which a server keeps both.

        `is_whole`: with all that answers and filters need, not for lists alone.
        """
        self._ask("upsert", data=[_record(row, is_whole=is_whole) for row in rows])

    def delete(self, ids: Sequence[str]) -> None:
        """Take papers out."""
        for start in range(0, len(ids), _AT_A_TIME):
            self._ask("delete", filter=among(ids[start : start + _AT_A_TIME]))

    def search(
        self, vectors: Vectors, k: int, expression: str, nprobe: int | None = None
    ) -> list[tuple[list[str], list[float]]]:
        """The ids and scores of the `k` nearest to each of (n, dim) `vectors`, best first."""
        found = self._ask(
            "search",
            data=list(vectors),
            limit=k,
            filter=expression,
            search_params={"metric_type": "IP", "params": {} if nprobe is None else {"nprobe": nprobe}},
        )
        return [([id_of(hit["id"]) for hit in hits], [float(hit["distance"]) for hit in hits]) for hits in found]

    def _some(self, ids: Sequence[str], fields: list[str]) -> Iterator[dict[str, Any]]:
        for start in range(0, len(ids), _AT_A_TIME):
            yield from self._ask("query", filter=among(ids[start : start + _AT_A_TIME]), output_fields=fields)


def nlist_for(n_papers: int) -> int:
    """How many lists for so many papers (https://milvus.io/docs/index.md: 4 sqrt n, of each of its segments)."""
    return int(min(_MOST_NLIST, max(_LEAST_NLIST, 4 * n_papers**0.5)))


def _connect(address: Address, wait_s: float) -> tuple[Any, Any, tuple[type[Exception], ...]]:
    """A client, pymilvus' types of fields, and what it raises."""
    try:
        from pymilvus import DataType, MilvusClient, MilvusException
    except ImportError:
        raise MissingExtra("a Milvus server", "milvus") from None
    import grpc

    for noisy in ("pymilvus", "grpc._server"):  # they log tracebacks of what we report in a line, or pass over
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    failures = (MilvusException, grpc.RpcError, ConnectionError)
    given_up = time.monotonic() + wait_s
    while True:
        try:
            client = MilvusClient(uri=address.uri, token=os.environ.get("MILVUS_TOKEN", ""), timeout=10)
            client.list_collections(timeout=10)  # an open port is not readiness
        except failures as error:
            if time.monotonic() > given_up:
                raise _failed(address, error) from None
            time.sleep(_POLL_S)
        else:
            return client, DataType, failures


def _failed(address: Address, error: Exception) -> ServerError:
    reason = " ".join(str(getattr(error, "message", None) or error).split())[:300]
    return ServerError(f"{address.name}: {reason}; is the server up? Then the same command goes on")


def _index(lists_for: int | None) -> dict[str, Any]:
    """FLAT alone is always exact: with any other, a server finds new rows by an index of its own, of a fixed recall."""
    if lists_for is None:
        return {"index_type": "FLAT"}
    return {"index_type": "IVF_SQ8", "params": {"nlist": nlist_for(lists_for)}}


def _record(row: Row, *, is_whole: bool) -> dict[str, Any]:
    paper = row.paper
    record = {
        "id": key_of(paper.id),
        "vector": row.vector,
        "stamp": row.stamp.hex(),
        "withdrawn": row.is_withdrawn,
    }
    if is_whole:
        others = paper.submitted, paper.updated, paper.doi, paper.comments
        text = orjson.dumps((paper.id, paper.title, paper.authors, paper.categories, *others)).decode()
        record["updated"] = date_number(paper.updated) if paper.updated else 0
        record["categories"] = list(paper.categories)
        record["paper"] = _pieces(text)
    return record


def _paper(pieces: Sequence[str]) -> Paper:
    identifier, title, authors, categories, *others = orjson.loads("".join(pieces))
    return Paper(identifier, title, "", authors, tuple(categories), *others)


def _pieces(text: str) -> list[str]:
    return [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
