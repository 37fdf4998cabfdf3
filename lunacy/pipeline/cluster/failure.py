"""Pass errors from workers to the program that started the build: as text, as some cannot be pickled."""

from __future__ import annotations

import json
import socket
import traceback
from typing import NoReturn

from lunacy import errors
from lunacy.errors import LunacyError, one_line


def encode_error(error: Exception) -> str:
    """An error as text, with the name of the machine."""
    name = type(error).__name__
    known = isinstance(error, LunacyError | OSError)
    message = f"{socket.gethostname()}: {one_line(error) if known else f'{name}: {error}'}"
    return json.dumps([name, " ".join(message.split()), traceback.format_exc()])


def raise_encoded(failure: str) -> NoReturn:
    """Raise an error that `encode_error` encoded."""
    name, message, trace = json.loads(failure)
    kind = getattr(errors, name, LunacyError)
    raise kind(message) from RemoteTraceback(trace)


class RemoteTraceback(Exception):
    """The traceback of an error in a worker."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"
