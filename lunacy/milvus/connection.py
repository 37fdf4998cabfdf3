"""Connecting to a Milvus server, and its errors in one line."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lunacy.errors import MissingExtra, ServerError, one_line
from lunacy.milvus.address import Address

READY_S = 60.0  # a server that just started answers on its port long before it can be asked
_CONNECT_S = 10.0
_POLL_S = 0.5
_SHOWN = 300  # characters of a message


def connect(address: Address, wait_s: float) -> Any:
    """A pymilvus.MilvusClient, once the server at `address` answers.

    Waits up to `wait_s` seconds for a server that is starting. Raises MissingExtra without pymilvus, ServerError.
    """
    try:
        from pymilvus import MilvusClient
    except ImportError:
        raise MissingExtra("Milvus support", "milvus") from None
    for noisy in ("pymilvus", "grpc._server"):  # they log tracebacks of what we report in one line, or ignore
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    give_up_at = time.monotonic() + wait_s
    while True:
        try:
            with server_errors(address):
                client = MilvusClient(uri=address.uri, token=os.environ.get("MILVUS_TOKEN", ""), timeout=_CONNECT_S)
                client.list_collections(timeout=_CONNECT_S)  # an open port is not readiness
                return client
        except ServerError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(_POLL_S)


@contextmanager
def server_errors(address: Address) -> Iterator[None]:
    """Turns what pymilvus and gRPC raise in the block into a ServerError."""
    import grpc
    from pymilvus import MilvusException

    try:
        yield
    except (MilvusException, grpc.RpcError, ConnectionError) as error:
        message = " ".join(str(getattr(error, "message", "")).split()) or one_line(error)
        hint = "check that the server is up; then the same command goes on"
        raise ServerError(message[:_SHOWN], where=address.name, hint=hint) from None
