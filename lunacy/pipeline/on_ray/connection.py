"""Connect to a Ray cluster, quietly."""

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
    """A connection to the cluster at `address`; "": what `ray.init` finds (RAY_ADDRESS, a local one) or starts.

    A connection that the program has already is used, and left open. Raises UsageError for snapshots that only this
    program can read, such as pipes.
    """
    for snapshot in snapshots:
        if snapshot.is_stream:
            raise UsageError(f"{snapshot.name}: other machines cannot read a pipe", hint="use a file with --ray")
    if ray.is_initialized():
        yield
        return
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters is raised as an error
    ray._private.worker._worker_logs_enabled = False  # they print every death and retry to our stdout
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
            f"no Ray cluster at {where or 'this machine'} ({first_line(error)})",
            hint="start one with: ray start --head",
        ) from error
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, before)  # ray replaces the handler
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _silence() -> Iterator[None]:
    """Discard what is written to standard error, also by Ray's C++ code."""
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def n_of(resource: str) -> int:
    """Number of "CPU"s or "GPU"s in the cluster."""
    return int(ray.cluster_resources().get(resource, 0))


def first_line(error: Exception) -> str:
    """The message of an error of Ray, without its traceback."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
