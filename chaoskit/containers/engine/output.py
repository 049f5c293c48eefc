"""The output of components, with the engine's time stamps, and the engine's clock against the run's."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from docker.errors import NotFound

from chaoskit.clock import Clock
from chaoskit.containers.engine.client import Containers, calling, hang_up
from chaoskit.runtime import LogLine

MOST_OUTPUT_BYTES = 2 * 1024 * 1024
"""Bytes of a component's output that one call reads, so that a huge log does not fill the memory."""


class Output:
    """Reads the logs that the engine keeps.

    Args:
        containers: which container each component is.
        clock: the run's clock.

    Raises:
        RuntimeFailure: from every method, if the engine refuses (for a log driver that it cannot read).
    """

    def __init__(self, containers: Containers, clock: Clock) -> None:
        self._containers = containers
        self._api = containers.client.api
        self._clock = clock

    def wall_offset(self) -> float:
        """Seconds since 1970 by the engine's clock at which the run's clock read 0.

        The engine may be on another machine or in a virtual one. If its clock and this machine's agree
        within the duration of the call, this machine's clock is used, because reading it needs no call.
        """
        before, wall = self._clock.now(), time.time()
        with calling("read the clock of the engine"):
            engine_time = self._api.info().get("SystemTime")
        after = self._clock.now()
        moment = stamp(str(engine_time))
        if moment is None or wall - 0.001 <= moment <= wall + (after - before) + 0.001:
            return wall - before
        return moment - (before + after) / 2

    def lines(self, component: str, since: float, until: float) -> list[LogLine]:
        """The lines that a component wrote between two moments of the engine's clock.

        Only the first :data:`MOST_OUTPUT_BYTES` are read; the last line of these may be cut short.
        """
        container = self._containers.find(component)
        if container is None:
            return []
        with calling("read the output of", component):
            try:
                stream = self._api.logs(
                    container, stream=True, follow=False, timestamps=True, since=since, until=until
                )
                try:
                    text = b"".join(_first_bytes(stream, MOST_OUTPUT_BYTES))
                finally:
                    hang_up(stream)
            except NotFound:  # the container was replaced meanwhile, and its output is gone
                return []
        return list(parse(text.decode(errors="replace")))


def _first_bytes(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk[:limit]
        limit -= len(chunk)
        if limit <= 0:
            return


def parse(text: str) -> Iterator[LogLine]:
    """Parse lines as the engine gives them: a time stamp (RFC 3339, nanoseconds), a blank, the text.

    A line without a stamp continues the line before, which the engine had to split.
    """
    pending: LogLine | None = None
    for line in text.split("\n"):
        head, _, rest = line.partition(" ")
        moment = stamp(head)
        if moment is None:
            if pending is not None and line:
                pending = LogLine(pending.written, pending.text + line)
            continue
        if pending is not None:
            yield pending
        pending = LogLine(moment, rest.rstrip("\r"))
    if pending is not None:
        yield pending


def stamp(text: str) -> float | None:
    """An RFC 3339 time stamp as seconds since 1970; ``None`` if the text is not a time stamp."""
    if not text[:4].isdigit():
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
