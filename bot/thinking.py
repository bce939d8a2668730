"""A second process that thinks, so that a backlog is read and understood on one core while another records and sends.

It is forked with the knowledge and the model in memory: what both have is there once (copy-on-write). It is an aid and never a need. One
that has ended or hangs is replaced at the next question, by a fork of the service at work; where none can be had, the service thinks itself.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import threading
import warnings
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")

PATIENCE = 60  # seconds for a turn of mails, of which each takes some milliseconds, and for a process to get ready
DEAF_TO = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)  # said to all processes of a service; the service itself ends this one


class Lost(Exception):
    """The second process ended or hung over what it was given; the text says which. Whoever asks again asks another."""


class Gone(Exception):
    """There is no second process now; the text says why."""


class Beside(Generic[Given, Made]):
    """The second process. ``think`` runs there; what it takes and gives goes through a pipe that only the two have."""

    def __init__(self, think: Callable[[Given], Made], still: threading.Lock, *, knows: str = "", patience: int = PATIENCE) -> None:
        """Nothing is forked yet. Whoever thinks in this process holds ``still`` meanwhile, so that no half thought is forked.

        ``knows``: the version of what ``think`` rests on; whoever rests on another must not ask.
        """
        self.knows = knows
        self._think, self._still, self._patience = think, still, patience
        self._lock = threading.Lock()
        self._pipe: Connection | None = None
        self._ended = False
        self.pid = 0  # of the process, 0 while there is none

    def begin(self) -> None:
        """Fork where there is no process: best before anything is open, for then it can have nothing of it. Errors: ``Gone``."""
        with self._lock:
            self._begin()

    def ask(self, given: Given) -> Made:
        """What ``think`` makes of it. Errors: ``Lost``, ``Gone``."""
        with self._lock:
            pipe = self._begin()
            try:
                pipe.send(given)
                if pipe.poll(self._patience):
                    made: Made = pipe.recv()
                    return made
                why = f"no answer within {self._patience} seconds"
            except (OSError, EOFError):
                why = "it has ended"
            self._end()
            raise Lost(why)

    def end(self) -> None:
        """End the process once it has answered what it was asked, for good. Once more does nothing."""
        with self._lock:
            self._ended = True
            self._end()

    def _begin(self) -> Connection:
        if self._ended:
            raise Gone("it was ended")
        if self._pipe is None:
            try:
                self._pipe = self._fork()
            except OSError as error:
                raise Gone(f"it cannot be had ({error.strerror or error})") from None
            if not self._ready(self._pipe):
                self._end()
                raise Gone("it did not get ready")
        return self._pipe

    def _fork(self) -> Connection:
        ours, theirs = Pipe()
        gc.collect()
        gc.freeze()  # looking for garbage among what both have would write to it, and so copy it
        with theirs, self._still, warnings.catch_warnings():
            # Python warns of threads; those that there are do not think, and are not there in the fork
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
            if self.pid == 0:
                self._still.release()
                _live(theirs, self._think, self._patience)
        return ours

    def _ready(self, pipe: Connection) -> bool:
        """Whether it lives, and no signal ends it any more."""
        try:
            return pipe.poll(self._patience) and pipe.recv() is None
        except (OSError, EOFError):
            return False

    def _end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
            os.kill(self.pid, signal.SIGKILL)  # until it is waited for, the number is nobody else's
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
            self._pipe, self.pid = None, 0


def of_use() -> bool:
    """Whether there is a second core for it."""
    return hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) > 1


def _live(pipe: Connection, think: Callable[[Any], Any], patience: int) -> None:
    """The second process: answers until nobody is there to ask, and never returns."""
    try:
        signal.set_wakeup_fd(-1)
        for number in DEAF_TO:
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        os.closerange(3, pipe.fileno())
        os.closerange(pipe.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
        pipe.send(None)
        while True:
            given = pipe.recv()
            signal.alarm(patience + 1)  # whoever asked has lost patience, or is not there any more
            pipe.send(think(given))
            signal.alarm(0)
    finally:
        os._exit(0)
