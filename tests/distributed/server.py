"""The Milvus server that PyPI carries, as a process that can be killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from pymilvus import MilvusClient, MilvusException

_READY_S = 120


class Server:
    """A server of its own, with its data in a folder: it can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start()

    @property
    def address(self) -> str:
        """For `lunacy publish --to`, with the name of a collection behind it."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, on another port than before (which the system keeps back), and wait until it answers."""
        self.port = _free_port()
        command = [str(Path(sys.executable).parent / "milvus-server"), "--data", str(self.folder)]
        self._process = subprocess.Popen(
            [*command, "--proxy-port", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )
        given_up = time.monotonic() + _READY_S
        while True:
            try:
                client = MilvusClient(uri=self.address, timeout=5)
                client.list_collections(timeout=5)
                client.close()
            except MilvusException:
                assert time.monotonic() < given_up, "the server does not start; does another one run on this machine?"
                time.sleep(0.2)
            else:
                return

    def kill(self) -> None:
        """SIGKILL, server and wrapper at once."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
