"""Embed on a Ray cluster: other machines, or the cores of this one. The only importer of ray.

    snapshots -> pieces -> workers, each with the model: a piece -> a shard -> this program: shards in order -> store

A worker reports a shard only after it is on disk. So if a machine or this program dies, only the pieces that were in
work are embedded again; Ray restarts workers. All machines must see the snapshots and the index folder.
"""

import os

from lunacy.errors import MissingExtra

for _name, _value in {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}.items():
    os.environ.setdefault(_name, _value)  # read when ray is imported
try:
    from lunacy.pipeline.on_ray.cluster import Cluster
    from lunacy.pipeline.on_ray.connection import connected
    from lunacy.pipeline.on_ray.job import embedder_maker
except ImportError as error:
    raise MissingExtra(f"Ray support ({error})", "ray") from None

__all__ = ["Cluster", "connected", "embedder_maker"]
