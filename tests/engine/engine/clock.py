"""The time of the world that executions run in."""

import datetime
import time


class Clock:
    """The world's time: the wall's until the world starts, from then on `speed` times as fast."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._epoch: float | None = None
        self._started = 0.0

    def start(self, epoch: float) -> None:
        """The world starts: at `epoch`, in seconds since 1970, its time and the wall's are the same."""
        self._started = time.monotonic() - (time.time() - epoch)
        self._epoch = epoch

    def now(self) -> str:
        """The world's time as the context object gives times, such as 2026-01-31T09:00:00.000Z."""
        if self._epoch is None:
            seconds = time.time()
        else:
            seconds = self._epoch + (time.monotonic() - self._started) * self._speed
        utc = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).replace(tzinfo=None)
        return utc.isoformat(timespec="milliseconds") + "Z"
