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
        utc = self.at(time.time()).replace(tzinfo=None)
        return utc.isoformat(timespec="milliseconds") + "Z"

    def at(self, wall: float) -> datetime.datetime:
        """The world's time at a moment of the wall's, in seconds since 1970."""
        if self._epoch is None:
            seconds = wall
        else:
            elapsed = time.monotonic() - self._started - (time.time() - wall)
            seconds = self._epoch + elapsed * self._speed
        return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
