"""The fields and the index of a collection."""

from __future__ import annotations

from typing import Any

from lunacy.milvus.records import FIELD_BYTES

DESCRIPTION_DIM = 2  # a collection must have vectors, also one that only describes another
_LEAST_NLIST, _MOST_NLIST = 16, 4096
_ID_BYTES, _STAMP_BYTES, _CATEGORY_BYTES = 2400, 64, 1000
_MOST_TEXTS = 4096  # of an array


def of_papers(client: Any, dim: int, *, is_whole: bool) -> Any:
    """The schema of a collection of papers. `is_whole`: with all that answers and filters need."""
    from pymilvus import DataType

    schema = _with_vectors(client, dim)
    schema.add_field("stamp", DataType.VARCHAR, max_length=_STAMP_BYTES)
    schema.add_field("withdrawn", DataType.BOOL)
    if is_whole:
        schema.add_field("posted", DataType.INT32)
        schema.add_field("updated", DataType.INT32)
        _add_texts(schema, "categories", _CATEGORY_BYTES)
        _add_texts(schema, "paper", FIELD_BYTES)
    return schema


def of_description(client: Any) -> Any:
    """The schema of the collection that describes another."""
    schema = _with_vectors(client, DESCRIPTION_DIM)
    _add_texts(schema, "facts", FIELD_BYTES)
    return schema


def exact_index(client: Any) -> Any:
    """FLAT alone is always exact: with any other, a server finds new rows by an index of its own, of a fixed recall."""
    return _index(client, index_type="FLAT")


def ivf_index(client: Any, n_papers: int) -> Any:
    """IVF with 8-bit codes, for so many papers."""
    return _index(client, index_type="IVF_SQ8", params={"nlist": nlist_for(n_papers)})


def nlist_for(n_papers: int) -> int:
    """How many lists for so many papers (https://milvus.io/docs/index.md: 4 sqrt n, of each of its segments)."""
    return int(min(_MOST_NLIST, max(_LEAST_NLIST, 4 * n_papers**0.5)))


def _with_vectors(client: Any, dim: int) -> Any:
    from pymilvus import DataType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=_ID_BYTES)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dim)
    return schema


def _add_texts(schema: Any, name: str, max_bytes: int) -> None:
    from pymilvus import DataType

    schema.add_field(
        name, DataType.ARRAY, element_type=DataType.VARCHAR, max_capacity=_MOST_TEXTS, max_length=max_bytes
    )


def _index(client: Any, **kind: Any) -> Any:
    index = client.prepare_index_params()
    index.add_index("vector", metric_type="IP", **kind)
    return index
