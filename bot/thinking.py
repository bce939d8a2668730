"""A second process that thinks, so that a backlog is read and understood on one core while another records and sends.

It is forked before the service opens anything, with the knowledge and the model in memory: what both have is there once
(copy-on-write). It is an aid and never a need. Once it is gone, the service thinks by itself; a mail that killed it is tried again there,
under the count of attempts that every mail is under.
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

PATIENCE = 60  # seconds for a turn of mails, of which each takes some milliseconds
DEAF_TO = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)  # said to all processes of a service; the service itself ends this one


class Gone(Exception):
    """The second process does not think any more; the text says why."""


class Beside(Generic[Given, Made]):
    """The second process. ``think`` runs there; what it takes and gives goes through a pipe that only the two have."""

    def __init__(self, think: Callable[[Given], Made], knows: str, patience: int = PATIENCE) -> None:
        """Forks; ``knows``: what ``think`` rests on. Nothing may be open that another process must not have, and no thread at work."""
        self._knows, self._patience = knows, patience
        self._lock = threading.Lock()
        self._pipe, theirs = Pipe()
        gc.collect()
        gc.freeze()  # looking for garbage among what both have would write to it, and so copy it
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads: those that there are lie idle, and hold no lock
            self.pid = os.fork()
        if self.pid == 0:
            _live(theirs, think, patience)
        theirs.close()
        with contextlib.suppress(EOFError):
            self._pipe.recv()  # it is ready: no signal ends it any more

    def ask(self, given: Given, knows: str) -> Made:
        """What ``think`` makes of it.

        Errors: ``Gone`` where the process has ended, does not answer, or rests on something else than ``knows``; it has ended then.
        """
        with self._lock:
            why = "it rests on knowledge that was replaced"
            if knows == self._knows:
                try:
                    self._pipe.send(given)
                    if self._pipe.poll(self._patience):
                        made: Made = self._pipe.recv()
                        return made
                    why = f"no answer within {self._patience} seconds"
                except (OSError, EOFError):
                    why = "it has ended"
            self._end()
            raise Gone(why)

    def end(self) -> None:
        """End the process, whatever it has in hand. Once more does nothing."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self.pid and not self._pipe.closed:
            self._pipe.close()
            os.kill(self.pid, signal.SIGKILL)  # until it is waited for, the number is nobody else's
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)


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
