"""What components wrote, with the engine's time stamps, and how its clock relates to the run's."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from docker.errors import NotFound

from chaoskit.clock import Clock
from chaoskit.containers.engine.client import Containers, calling, hang_up
from chaoskit.runtime import LogLine

MOST_OUTPUT_BYTES = 2 * 1024 * 1024
"""How much of a component's output one call reads; a container that floods its log must not fill memory."""


class Output:
    """Reads the logs that the engine keeps.

    Args:
        containers: which container a component is.
        clock: the run's.

    Raises:
        RuntimeFailure: from every method, if the engine refuses (a log driver that cannot be read).
    """

    def __init__(self, containers: Containers, clock: Clock) -> None:
        self._containers = containers
        self._api = containers.client.api
        self._clock = clock

    def wall_offset(self) -> float:
        """Seconds since 1970 by the engine's clock at which the run's clock read 0.

        The engine may be on another machine or in a virtual one. Where its clock and this machine's
        agree as well as one call can tell, this machine's is taken: that is read without a call.
        """
        before, wall = self._clock.now(), time.time()
        with calling("read the clock of the engine"):
            told = self._api.info().get("SystemTime")
        after = self._clock.now()
        moment = stamp(str(told))
        if moment is None or wall - 0.001 <= moment <= wall + (after - before) + 0.001:
            return wall - before
        return moment - (before + after) / 2

    def lines(self, component: str, since: float, until: float) -> list[LogLine]:
        """The lines that a component wrote between two moments of the engine's clock.

        Of more than :data:`MOST_OUTPUT_BYTES` the first come; the last of them may be cut short.
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
                    text = b"".join(_at_most(stream, MOST_OUTPUT_BYTES))
                finally:
                    hang_up(stream)
            except NotFound:  # it was replaced meanwhile, and its output went with it
                return []
        return list(parse(text.decode(errors="replace")))


def _at_most(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk[:limit]
        limit -= len(chunk)
        if limit <= 0:
            return


def parse(text: str) -> Iterator[LogLine]:
    """Lines as the engine gives them: its time stamp (RFC 3339, nanoseconds), a blank, the text.

    What bears no stamp is the rest of a line that the engine had to split.
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
    """An RFC 3339 time stamp as seconds since 1970; ``None`` if it is none."""
    if not text[:4].isdigit():
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
