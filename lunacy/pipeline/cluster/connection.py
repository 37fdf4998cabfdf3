"""A connection to a Ray cluster."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import ray

from lunacy.errors import LunacyError, UsageError
from lunacy.snapshot import Snapshot

_CONNECT_S = 5.0


@contextmanager
def connected(address: str, snapshots: Sequence[Snapshot]) -> Iterator[None]:
    """A connection to the cluster at `address`: "" as `ray.init` has it (RAY_ADDRESS, one that runs here, a new one).

    One that the program already has is used and left. Raises UsageError for snapshots that only this program can read.
    """
    for snapshot in snapshots:
        if snapshot.is_stream:
            raise UsageError(f"{snapshot.name}: other machines cannot read a pipe; give --ray a file")
    if ray.is_initialized():
        yield
        return
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters comes as an error, in a line
    ray._private.worker._worker_logs_enabled = False  # it tells of what died, and that it tries again, on our stdout
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    where = address or os.environ.get("RAY_ADDRESS", "")
    try:
        if ":" in where and "://" not in where:  # ray would try for minutes
            host, _, port = where.rpartition(":")
            socket.create_connection((host.strip("[]"), int(port)), _CONNECT_S).close()
        with _silence():
            ray.init(address or None, log_to_driver=False, logging_level=logging.CRITICAL, include_dashboard=False)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise LunacyError(
            f"no Ray cluster at {where or 'this machine'} ({first_line(error)}); start one with: ray start --head"
        ) from error
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, before)  # which ray takes
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _silence() -> Iterator[None]:
    """Nothing on standard error: where Ray's C++ says that it will say nothing."""
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def n_of(resource: str) -> int:
    """How many the cluster has: "CPU" or "GPU"."""
    return int(ray.cluster_resources().get(resource, 0))


def first_line(error: Exception) -> str:
    """What an error of Ray's says, without its trace."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
