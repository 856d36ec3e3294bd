"""A deadline for what the server does inside of one call.

`statement_timeout` is armed when a statement of the client begins, so setting
it inside of a function comes too late, and while the server runs a query no
Python of this process does. A POSIX timer (timer_create(2)) needs neither: it
sends this thread the signal that a cancel request sends, and the server stops
at its next check for interrupts. Where the platform has no such timer there is
no deadline but the session's own.
"""

from __future__ import annotations

import ctypes
import signal
import threading

_CLOCK_MONOTONIC = 1
_SIGEV_THREAD_ID = 4


class _Event(ctypes.Structure):
    """struct sigevent of Linux: 64 bytes."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("thread", ctypes.c_int),
        ("padding", ctypes.c_int * 11),
    )


class _Times(ctypes.Structure):
    """struct itimerspec: interval and value, in seconds and nanoseconds."""

    _fields_ = (
        ("interval", ctypes.c_long),
        ("interval_nanoseconds", ctypes.c_long),
        ("seconds", ctypes.c_long),
        ("nanoseconds", ctypes.c_long),
    )


class Alarm:
    """Cancels the server's work in this thread after so many seconds, unless stopped."""

    def __init__(self, seconds: float) -> None:
        self._timer = ctypes.c_void_p()
        self._library = ctypes.CDLL(None, use_errno=True)
        self._running = False
        try:
            create = self._library.timer_create
        except AttributeError:
            return
        event = _Event(None, signal.SIGINT, _SIGEV_THREAD_ID, threading.get_native_id())
        failed = create(_CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(self._timer))
        if failed:
            return
        nanoseconds = max(1, round(seconds * 1e9))
        times = _Times(0, 0, *divmod(nanoseconds, 1_000_000_000))
        self._running = not self._library.timer_settime(self._timer, 0, ctypes.byref(times), None)

    def stop(self) -> bool:
        """Stop it; returns whether it had gone off."""
        if not self._running:
            return False
        self._running = False
        left = _Times()
        self._library.timer_gettime(self._timer, ctypes.byref(left))
        self._library.timer_delete(self._timer)
        return not (left.seconds or left.nanoseconds)
