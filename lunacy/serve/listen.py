"""Listening at a port, until a signal ends it."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Sequence

import uvicorn
from starlette.types import ASGIApp

from lunacy.errors import LunacyError, UsageError
from lunacy.serve.connection import settings


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def names_of(host: str, allowed: Sequence[str]) -> tuple[str, ...]:
    """What may stand in the header Host of requests to `host`, beside the names of loopback.

    Raises UsageError where all addresses of the machine are meant, and no name is `allowed`.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return (host, *allowed)
    if not address.is_unspecified:
        return (f"[{address}]" if address.version == 6 else str(address), *allowed)
    if not allowed:
        raise UsageError(f"{host} is every address of this machine", hint="name it as others do, with --allow-host")
    return tuple(allowed)


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens; a port of 0 is any free one. Raises LunacyError, saying what to do, where it cannot."""
    try:
        [(family, _kind, _protocol, _name, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        listening = socket.create_server(address[:2], family=family, backlog=512)
        # asyncio sets it for sockets that say they are TCP's, as this one does not: without it the second piece of an
        # answer waits for the client to acknowledge the first, 40 ms
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except socket.gaierror:
        raise UsageError(f"the host {host} is not known here; give an address of this machine") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            hint = "give another with --port, or --port 0 for any that is free"
            raise LunacyError(f"port {port} is taken", hint=hint) from None
        if error.errno == errno.EACCES:
            raise LunacyError(f"port {port} is not for everybody", hint="give one above 1023 with --port") from None
        if error.errno == errno.EADDRNOTAVAIL:
            raise UsageError(f"{host} is no address of this machine; give one that is") from None
        raise


def url_of(listening: socket.socket, host: str) -> str:
    """The address for a browser."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listening.getsockname()[1]}/"


def serve(app: ASGIApp, listening: socket.socket) -> None:
    """Answer until SIGINT or SIGTERM, which are then raised again."""
    uvicorn.Server(uvicorn.Config(app, **settings())).run(sockets=[listening])
