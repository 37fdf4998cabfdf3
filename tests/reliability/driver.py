"""A process that carries out actions in children of its own, so that they can be killed: JSON lines in and out."""

from __future__ import annotations

import ctypes
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from lunacy.errors import LunacyError
from tests.reliability import faults, scenario


def main() -> None:
    """For each line a child: its exit status and what it said."""
    for line in sys.stdin:
        order = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            said = _work(order)
            os.write(writing, said.encode()[-60_000:])
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            said = pipe.read().decode(errors="replace")
        _pid, status = os.waitpid(child, 0)
        print(json.dumps({"signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, "said": said}), flush=True)


def _work(order: dict[str, Any]) -> str:
    """What a clean error says, or a traceback; when all went well how many system calls were made, if they count."""
    folder = Path(order["folder"])
    if "root" not in order:
        return _act(order["action"], faults.Disk(folder, at=order["at"], kind=order["kind"]))
    shim = ctypes.CDLL(None)
    shim.shim_stop.restype = ctypes.c_long
    strings = [
        os.fsencode(one) for one in (os.path.realpath(order["root"]), order.get("log", ""), order.get("how", ""))
    ]
    shim.shim_start(strings[0], strings[1], ctypes.c_long(order.get("syscall", 0)), strings[2])
    disk = faults.Disk(folder, after=lambda name: shim.shim_mark() if name.startswith("COMMIT") else None)
    said = _act(order["action"], disk)
    n = shim.shim_stop()
    return said or f"n {n}"


def _act(action: str, disk: faults.Disk) -> str:
    try:
        with faults.installed(disk):
            scenario.ACTIONS[action](disk.folder)
    except (LunacyError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    except BaseException:  # noqa: BLE001 (the test shows it)
        return traceback.format_exc()
    return ""


if __name__ == "__main__":
    main()
