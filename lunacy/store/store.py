"""An index folder, open for reading: by any thread, and in the forked children of the process that opened it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakValueDictionary

from lunacy.errors import IndexDamaged, NoIndex, StoreError, UsageError
from lunacy.fingerprint import Fingerprint
from lunacy.scope import Scope
from lunacy.store import caches
from lunacy.store.database import Database
from lunacy.store.files import expanded
from lunacy.store.meta import read_generation
from lunacy.store.own_database import see_verify
from lunacy.store.view import View

_ATTEMPTS = 20


class Store:
    """An index folder, open for reading. Each `view` is of the last commit; opening costs nothing that grows.

    For any thread, one at a time: the others wait. A forked child opens the files anew.
    """

    def __init__(self, folder: str | Path) -> None:
        """Open `folder`; raises NoIndex when there is no index, StoreError when it cannot be read."""
        self.folder = expanded(folder).absolute()  # `os.chdir` does not change what is meant
        self._lock = threading.RLock()
        self._is_closed = False
        self._database: Database | None = Database(self.folder)
        self._view: View | None = None
        self._watch_lock = threading.RLock()
        self._watching: Database | None = None  # beside that of the views, so as not to wait for them
        _stores[id(self)] = self

    @contextmanager
    def view(self) -> Iterator[View]:
        """The last commit, held still until the block ends. Raises UsageError after `close`."""
        with self._lock:
            database = self._open()
            view = self._begin(database)
            try:
                yield view
            finally:
                database.run("ROLLBACK")
            if database.has_changed():
                raise StoreError("the index was changed while it was read; ask again", where=self.folder)

    def state(self) -> tuple[int, tuple[int, int] | None]:
        """The number of the last commit, and the version of its caches; waits for no `view` of another thread."""
        with self._watch_lock:
            self._require_open()
            if self._watching is None or self._watching.has_changed():
                newer = Database(self.folder)
                self._watch_no_more()
                self._watching = newer
            return read_generation(self._watching), caches.version(self.folder)

    def _watch_no_more(self) -> None:
        if self._watching is not None:
            self._watching.close()
            self._watching = None

    def _require_open(self) -> None:
        if self._is_closed:
            raise UsageError("the index is closed; open it again")

    def _open(self) -> Database:
        """The database that is in the folder now. When there is none, the one from before stays: it may come back."""
        self._require_open()
        if self._database is None or self._database.has_changed():
            newer = Database(self.folder)
            self._let_go()
            self._database = newer
        return self._database

    def _begin(self, database: Database) -> View:
        missing: tuple[int, OSError] | None = None
        for _ in range(_ATTEMPTS):
            database.run("BEGIN")
            try:
                generation = read_generation(database)
                state = generation, caches.version(self.folder)
                if self._view is None or (self._view.generation, self._view.cache_version) != state:
                    self._view = View(database, generation)
            except FileNotFoundError as error:  # merged away since the transaction began, or lost
                database.run("ROLLBACK")
                if missing is not None and missing[0] == generation:
                    break
                missing = generation, error
            except BaseException:
                database.run("ROLLBACK")
                raise
            else:
                return self._view
        assert missing is not None
        path = Path(missing[1].filename)
        raise IndexDamaged(f"{path.name} is missing", where=path.parent, hint=see_verify(path.parent))

    def close(self) -> None:
        """Let go of the files, when no thread asks any more."""
        with self._lock, self._watch_lock:
            self._is_closed = True
            self._let_go()
            self._watch_no_more()

    def _let_go(self) -> None:
        self._view = None
        if self._database is not None:
            self._database.close()
            self._database = None

    def before_fork(self) -> None:
        """Wait for the thread that asks, keep the others out, and let go of what a child must not inherit.

        SQLite's connections must not cross a fork, not even to be closed (https://www.sqlite.org/howtocorrupt.html,
        section 2.6). Parent and child open the files anew when they next ask.
        """
        self._lock.acquire()
        self._watch_lock.acquire()
        self._watch_no_more()
        if self._database is not None and not self._database.in_transaction:
            self._let_go()

    def after_fork(self) -> None:
        """Let the threads ask again."""
        self._watch_lock.release()
        self._lock.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def recorded_build(folder: str | Path) -> tuple[Fingerprint, Scope] | None:
    """What made the vectors of the index in `folder`, and which papers it takes in; None when there is none yet."""
    try:
        with Store(folder) as store, store.view() as view:
            return view.fingerprint, view.scope
    except NoIndex:
        return None


_stores: WeakValueDictionary[int, Store] = WeakValueDictionary()  # all there are, by their `id`
_forking = threading.Lock()
_forked: list[Store] = []  # by the thread that has `_forking`


def _before_fork() -> None:
    _forking.acquire()
    # a list of references, made at once: other threads may open a store meanwhile
    _forked[:] = [store for store in (reference() for reference in _stores.valuerefs()) if store is not None]
    for store in _forked:
        store.before_fork()


def _after_fork() -> None:
    while _forked:
        _forked.pop().after_fork()
    _forking.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
