"""Ends this process with the one that started it, however that one ends.

The starter holds the other end of standard input open and writes to it the processes that must not outlive it: "+PID" when one
has started, "-PID" when it has ended. The pipe closes even when the starter is killed outright; what is on the list then is killed.
"=SECONDS" says that the world's clock has started, and at which time (seconds since 1970).
"""

import os
import signal
import sys
import threading

from engine.clock import Clock


def hold(clock: Clock) -> None:
    """Starts watching standard input, in the background."""
    threading.Thread(target=_watch, args=(clock,), name="lifeline", daemon=True).start()


def _watch(clock: Clock) -> None:
    dependants: set[int] = set()
    for line in sys.stdin:
        kind, value = line[0], line[1:]
        if kind == "=":
            clock.start(float(value))
        elif kind == "+":
            dependants.add(int(value))
        else:
            dependants.discard(int(value))
    for pid in dependants:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    os._exit(0)
