"""What to type next, as it works where the user stands: commands of lunacy, and what to install."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from contextlib import suppress
from pathlib import Path


def command(*words: object) -> str:
    """A command of lunacy, such as `command("verify", "--index", folder)`, for a shell.

    The program is called as it was started, which may be `.venv/bin/lunacy`; else `lunacy`.
    """
    return " ".join([_program(), *(shlex.quote(str(word)) for word in words)])


def install(extra: str) -> str:
    """How to install what an extra of lunacy needs, for this Python.

    It names the packages: `pip install 'lunacy[...]'` would look for lunacy itself where it was never published.
    """
    from importlib.metadata import PackageNotFoundError, requires  # a fifth of the start of every command

    try:
        lines = requires("lunacy") or []
    except PackageNotFoundError:  # a source tree that is not installed
        return install_packages(f".[{extra}]")
    wanted = re.compile(rf"""\bextra\s*==\s*['"]{re.escape(extra)}['"]""")
    return install_packages(*sorted(line.partition(";")[0].strip() for line in lines if wanted.search(line)))


def install_packages(*packages: str) -> str:
    """How to install them, for this Python."""
    return f"{_python()} -m pip install {shlex.join(packages)}"


def _program() -> str:
    started = Path(sys.argv[0])
    if started.name == "__main__.py" and started.parent == Path(__file__).parent:
        return f"{_python()} -m lunacy"
    if started.name != "lunacy":
        return "lunacy"
    found = shutil.which("lunacy")
    return "lunacy" if found and os.path.realpath(found) == os.path.realpath(started) else shlex.quote(str(started))


def _python() -> str:
    """This Python, as it is called from here."""
    if shutil.which("python") == sys.executable:
        return "python"
    path = Path(sys.executable)
    with suppress(OSError):  # the folder we are in may be deleted
        here = Path.cwd()
        path = path.relative_to(here) if path.is_relative_to(here) else path
    return shlex.quote(str(path))
