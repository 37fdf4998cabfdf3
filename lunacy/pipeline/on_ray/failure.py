"""Pass errors from workers to the program that started the build: as text, as some cannot be pickled."""

from __future__ import annotations

import json
import socket
import traceback
from typing import NoReturn

from lunacy import errors
from lunacy.errors import LunacyError, MissingExtra, UsageError


def encode_error(error: Exception) -> str:
    """An error as text, with the name of the machine."""
    name = type(error).__name__
    known = isinstance(error, LunacyError | OSError)
    message = f"{socket.gethostname()}: {error if known else f'{name}: {error}'}"
    where, hint = (error.where, error.hint) if isinstance(error, LunacyError) else ("", "")
    return json.dumps([name, " ".join(message.split()), where, hint, traceback.format_exc()])


def raise_encoded(failure: str) -> NoReturn:
    """Raise an error that `encode_error` encoded."""
    name, message, where, hint, trace = json.loads(failure)
    kind = UsageError if name == MissingExtra.__name__ else getattr(errors, name, LunacyError)
    raise kind(message, where=where, hint=hint) from RemoteTraceback(trace)


class RemoteTraceback(Exception):
    """The traceback of an error in a worker."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"
