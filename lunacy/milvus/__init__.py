"""Collections of a Milvus server that hold a published index. The only importer of pymilvus (extra `milvus`)."""

from lunacy.milvus.address import Address, is_address, parse_address
from lunacy.milvus.collection import MOST_HITS, Collection
from lunacy.milvus.expression import expression
from lunacy.milvus.records import Published, Row
from lunacy.milvus.schema import nlist_for

__all__ = [
    "MOST_HITS",
    "Address",
    "Collection",
    "Published",
    "Row",
    "expression",
    "is_address",
    "nlist_for",
    "parse_address",
]
