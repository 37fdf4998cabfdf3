"""Embedding on the machines of a Ray cluster, or the cores of this one. The only door to ray and pyarrow.

    snapshots -> pieces -> workers, each with the model: a piece -> a shard -> here: shards in order -> the store

A worker writes its shard to disk before it says so: whatever dies, what was embedded is not embedded again, but for the
piece that a worker was at. Ray starts what died anew. All machines see the snapshots and the index folder.
"""

import os

from lunacy.errors import MissingExtra

for _name, _value in {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}.items():
    os.environ.setdefault(_name, _value)  # read when ray is imported
try:
    from lunacy.pipeline.cluster.cluster import Cluster
    from lunacy.pipeline.cluster.connection import connected
    from lunacy.pipeline.cluster.job import embedder_maker
except ImportError as error:
    raise MissingExtra(f"--ray ({error})", "ray") from None

__all__ = ["Cluster", "connected", "embedder_maker"]
