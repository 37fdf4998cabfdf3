"""Three raylets on this machine, as three machines that share a disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

collect_ignore_glob = [] if find_spec("ray") else ["test_*.py"]


def node() -> dict[str, Any]:
    """What a raylet is given."""
    return {"num_cpus": 1, "object_store_memory": 150 * 2**20}


@pytest.fixture(scope="session")
def raylets() -> Iterator[Any]:
    """A `ray.cluster_utils.Cluster` of three nodes with a core each; a test that takes one away adds another."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))  # actors import the tests' embedders
        for name, value in {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}.items():
            patch.setenv(name, os.environ.get(name, value))
        from ray.cluster_utils import Cluster

        cluster = Cluster(initialize_head=True, head_node_args={**node(), "include_dashboard": False})
        for _ in range(2):
            cluster.add_node(**node())
        yield cluster
        cluster.shutdown()
