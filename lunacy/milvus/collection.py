"""A collection of a Milvus server, or of a file of milvus-lite, that holds a published index."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lunacy.advice import command
from lunacy.arrays import Vectors
from lunacy.errors import ServerError
from lunacy.milvus import schema
from lunacy.milvus.address import Address
from lunacy.milvus.connection import READY_S, connect, server_errors
from lunacy.milvus.expression import among, id_of
from lunacy.milvus.records import Published, Row, from_published, from_row, to_paper, to_published
from lunacy.paper import Paper

MOST_HITS = 16_384  # the most that a server lists
_DESCRIPTION = "lunacy"  # the id of the one row of the collection that describes this one
_AT_A_TIME = 1000  # rows of some 2 kB each
_TIMEOUT_S = 60.0
_INDEX_S = 600.0
_POLL_S = 0.5


class Collection:
    """An open collection. Every method raises ServerError where the server fails."""

    def __init__(self, address: Address, *, wait_s: float = READY_S) -> None:
        """Connect, waiting up to `wait_s` for a server that is starting. Raises MissingExtra, ServerError."""
        self.address = address
        self._name = address.collection
        self._client = connect(address, wait_s)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def exists(self) -> bool:
        """Whether the collection is there."""
        return self._has(self._name)

    def create(self, dim: int) -> None:
        """Create it for exact answers, with all that answers and filters need."""
        with server_errors(self.address):
            fields = schema.of_papers(self._client, dim, is_whole=True)
            self._create(self._name, fields, schema.exact_index(self._client))

    def create_ivf(self, dim: int, n_papers: int) -> None:
        """Create it for approximate answers, with lists for so many papers."""
        with server_errors(self.address):
            fields = schema.of_papers(self._client, dim, is_whole=False)
            self._create(self._name, fields, schema.ivf_index(self._client, n_papers))

    def published(self) -> Published:
        """What it holds. Raises ServerError for a collection that is not lunacy's, or of another version."""
        if not self.exists():
            hint = f"fill it with: {command('publish', '--to', self.address.name)}"
            raise ServerError("there is no such collection", where=self.address.name, hint=hint)
        found = []
        if self._has(self.address.facts):
            with server_errors(self.address):
                self._client.load_collection(self.address.facts, timeout=_TIMEOUT_S)
                found = self._client.query(
                    self.address.facts,
                    filter=f'id == "{_DESCRIPTION}"',
                    output_fields=["facts"],
                    timeout=_TIMEOUT_S,
                )
        if not found:
            raise ServerError(
                "this is a collection that lunacy did not make",
                where=self.address.name,
                hint="take another name for it",
            )
        return to_published(found[0]["facts"], self.address)

    def describe(self, published: Published) -> None:
        """Store what it holds: in a collection of its own, as a server forgets changed properties when it dies."""
        name = self.address.facts
        is_new = not self._has(name)
        row = {
            "id": _DESCRIPTION,
            "vector": [1.0] + [0.0] * (schema.DESCRIPTION_DIM - 1),
            "facts": from_published(published),
        }
        with server_errors(self.address):
            if is_new:
                self._create(name, schema.of_description(self._client), schema.exact_index(self._client))
            self._client.upsert(name, data=[row], timeout=_TIMEOUT_S)
            self._client.load_collection(name, timeout=_TIMEOUT_S)
        self._count(name)  # so that the row is seen from now on

    def load(self) -> None:
        """Have the server hold it in memory; returns when it does."""
        with server_errors(self.address):
            self._client.load_collection(self._name, timeout=_INDEX_S)

    def settle(self) -> None:
        """Have the server flush what it was given and finish its index."""
        give_up_at = time.monotonic() + _INDEX_S
        with server_errors(self.address):
            self._client.flush(self._name, timeout=_INDEX_S)
            while self._client.describe_index(self._name, "vector", timeout=_TIMEOUT_S).get("pending_index_rows"):
                if time.monotonic() > give_up_at:
                    message = f"the server has not indexed all rows in {_INDEX_S:.0f} s"
                    raise ServerError(message, where=self.address.name, hint="run the same command again")
                time.sleep(_POLL_S)

    def count(self, expression: str = "") -> int:
        """How many papers it holds that meet an expression, or all.

        What was accepted before is counted, and seen by every later call.
        """
        return self._count(self._name, expression)

    def ids(self) -> Iterator[list[str]]:
        """All ids, some at a time."""
        with server_errors(self.address):
            pages = self._client.query_iterator(
                self._name,
                batch_size=_AT_A_TIME,
                filter='id != ""',
                output_fields=["id"],
                consistency_level="Strong",
                timeout=_TIMEOUT_S,
            )
            while page := pages.next():
                yield [id_of(one["id"]) for one in page]
            pages.close()

    def stamps(self, ids: Sequence[str]) -> dict[str, str]:
        """The stamps of those `ids` that it holds."""
        return {id_of(one["id"]): one["stamp"] for one in self._query(ids, ["id", "stamp"])}

    def draw(self, n: int) -> list[str]:
        """Some `n` ids, drawn from those that are not withdrawn by their stamps, which are hashes; in their order."""
        share = min(1.0, 1.1 * n / max(self.count(), 1))  # a tenth more than needed
        upto = "g" if share == 1 else f"{int(share * 16**8):08x}"
        with server_errors(self.address):
            found = self._client.query(
                self._name,
                filter=f'withdrawn == false and stamp < "{upto}"',
                output_fields=["id", "stamp"],
                timeout=_TIMEOUT_S,
            )
        return [id_of(one["id"]) for one in sorted(found, key=lambda one: (one["stamp"], one["id"]))][:n]

    def held(self, ids: Sequence[str]) -> set[str]:
        """Those of `ids` that it holds."""
        return {id_of(one["id"]) for one in self._query(ids, ["id"])}

    def fetch(self, ids: Sequence[str]) -> dict[str, tuple[Paper, npt.NDArray[np.float32]]]:
        """The papers, but for their abstracts, and vectors of those `ids` that it holds."""
        return {
            id_of(one["id"]): (to_paper(one["paper"]), np.asarray(one["vector"], np.float32))
            for one in self._query(ids, ["id", "paper", "vector"])
        }

    def upsert(self, rows: Sequence[Row], *, is_whole: bool) -> None:
        """Store papers, in place of those with their ids: never `insert`, of which a server keeps both.

        `is_whole`: with all that answers and filters need, not for the IVF collection.
        """
        records = [from_row(row, is_whole=is_whole) for row in rows]
        with server_errors(self.address):
            self._client.upsert(self._name, data=records, timeout=_TIMEOUT_S)

    def delete(self, ids: Sequence[str]) -> None:
        """Delete papers."""
        with server_errors(self.address):
            for start in range(0, len(ids), _AT_A_TIME):
                some = among(ids[start : start + _AT_A_TIME])
                self._client.delete(self._name, filter=some, timeout=_TIMEOUT_S)

    def search(
        self, vectors: Vectors, k: int, expression: str, nprobe: int | None = None
    ) -> list[tuple[list[str], list[float]]]:
        """The ids and scores of the `k` nearest to each of (n, dim) `vectors`, best first."""
        with server_errors(self.address):
            found = self._client.search(
                self._name,
                data=list(vectors),
                limit=k,
                filter=expression,
                search_params={"metric_type": "IP", "params": {} if nprobe is None else {"nprobe": nprobe}},
                timeout=_TIMEOUT_S,
            )
        return [([id_of(hit["id"]) for hit in hits], [float(hit["distance"]) for hit in hits]) for hits in found]

    def _has(self, name: str) -> bool:
        with server_errors(self.address):
            return bool(self._client.has_collection(name, timeout=_TIMEOUT_S))

    def _create(self, name: str, fields: Any, index: Any) -> None:
        level = "Bounded"  # "Strong" waits 200 ms for the server's clock
        self._client.create_collection(
            name, schema=fields, index_params=index, consistency_level=level, timeout=_TIMEOUT_S
        )

    def _count(self, name: str, expression: str = "") -> int:
        with server_errors(self.address):
            [found] = self._client.query(
                name, filter=expression, output_fields=["count(*)"], consistency_level="Strong", timeout=_TIMEOUT_S
            )
        return int(found["count(*)"])

    def _query(self, ids: Sequence[str], fields: list[str]) -> Iterator[dict[str, Any]]:
        for start in range(0, len(ids), _AT_A_TIME):
            with server_errors(self.address):
                found = self._client.query(
                    self._name,
                    filter=among(ids[start : start + _AT_A_TIME]),
                    output_fields=fields,
                    timeout=_TIMEOUT_S,
                )
            yield from found
