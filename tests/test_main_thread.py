"""The thread that runs the model can be stopped at any moment, and leaves no other behind."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from lunacy.pipeline.main_thread import MainThreadExecutor
from lunacy.snapshot import Stopped

PATIENCE_S = 20.0


@pytest.fixture(autouse=True)
def stopping() -> Iterator[None]:
    """SIGTERM ends what runs, as it does on the command line."""

    def stop(_number: int, _frame: object) -> None:
        raise SystemExit(143)

    before = signal.signal(signal.SIGTERM, stop)
    yield
    signal.signal(signal.SIGTERM, before)


def until_it_is_over(main_thread: MainThreadExecutor) -> None:
    given_up = time.monotonic() + PATIENCE_S
    while main_thread.is_open():
        assert time.monotonic() < given_up
        time.sleep(0.01)
    raise Stopped


def left() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "lunacy-store"]


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_a_signal_while_the_thread_is_being_started_ends_it(
    number: signal.Signals, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python's own `Thread.start` waits for the thread, and cannot be interrupted there without harm."""
    wait = threading.Event.wait
    told: list[int] = []

    def told_while_it_waits(event: threading.Event, timeout: float | None = None) -> bool:
        if threading.current_thread() is threading.main_thread() and not told:
            told.append(number)
            signal.raise_signal(number)
        return wait(event, timeout)

    main_thread = MainThreadExecutor()
    monkeypatch.setattr(threading.Event, "wait", told_while_it_waits)
    with pytest.raises(error):
        main_thread.serve(lambda: until_it_is_over(main_thread))
    assert told
    assert not left()


def test_a_signal_that_wakes_nobody_is_seen_soon() -> None:
    """It reaches another thread: then Python notes it, and the main thread waits on."""
    main_thread = MainThreadExecutor()

    def work() -> None:
        time.sleep(0.2)  # the main thread waits by then
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        until_it_is_over(main_thread)

    started = time.monotonic()
    with pytest.raises(SystemExit):
        main_thread.serve(work)
    assert time.monotonic() - started < PATIENCE_S
    assert not left()


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL, signal.default_int_handler])
def test_signals_are_handled_as_before(handler: Any) -> None:
    before = signal.signal(signal.SIGINT, handler)
    try:
        main_thread = MainThreadExecutor()
        call = lambda: signal.getsignal(signal.SIGINT)  # noqa: E731
        assert main_thread.serve(lambda: main_thread.result(main_thread.submit(call))) == handler
        assert signal.getsignal(signal.SIGINT) == handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_than_the_first_may_serve() -> None:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(MainThreadExecutor().serve(lambda: 7)))
    thread.start()
    thread.join(PATIENCE_S)
    assert found == [7]
