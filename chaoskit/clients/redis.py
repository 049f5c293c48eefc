"""Redis and what speaks like it (Valkey, KeyDB), by redis-py.

Job queues in Redis and what speaks like it: a list, or a stream.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from chaoskit.clients.queues import Queue, serves_not
from chaoskit.errors import HarnessFailure
from chaoskit.runtime import Runtime

PORT = 6379


@contextlib.contextmanager
def client(
    runtime: Runtime, component: str, password: str | None = None, timeout: float = 2.0
) -> Iterator[redis.Redis]:
    """A client over the harness's own link, for the length of a ``with`` block.

    redis-py 8 retries ten times by default, with five seconds for each: the harness wants to see
    what is there now, so it tries once.

    Args:
        runtime: where the component runs.
        component: the server.
        password: taken from the component's ``REDIS_PASSWORD`` or ``VALKEY_PASSWORD`` if not given.
        timeout: seconds for connecting and for each command.

    Raises:
        redis.RedisError: from the commands, as redis-py has them.
    """
    host, port = runtime.address(component, PORT)
    given = runtime.environment(component)
    opened = redis.Redis(
        host=host,
        port=port,
        password=password or given.get("REDIS_PASSWORD") or given.get("VALKEY_PASSWORD"),
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        yield opened
    finally:
        opened.close()


_CHUNK = 1000
"""Jobs in one round trip, and entries counted in one."""
_COUNTED = 200_000
"""Entries of a stream that are counted one by one at most."""


@dataclass(frozen=True, repr=False)
class _RedisQueue(Queue):
    """What the queues in Redis share: the way in, and errors that say what could not be done."""

    key: str

    _type = ""

    @contextlib.contextmanager
    def _client(self, runtime: Runtime, timeout: float = 2.0) -> Iterator[Any]:
        # redis-py's annotations serve its asynchronous client too; here each answer is the answer.
        password: str | None = getattr(self, "password", None)
        try:
            with client(runtime, self.component, password, timeout) as opened:
                yield opened
        except redis.RedisError as error:
            raise HarnessFailure(
                f"{self!r} cannot be read or written",
                where=self.component,
                evidence=str(error),
                remedy="the component's output says more; is key= the queue's key?",
            ) from error

    def misfits(self, runtime: Runtime) -> list[str]:
        """It fits a Redis that lets the harness in, and a key that is of this kind or not yet there."""
        port = PORT if PORT in runtime.ports(self.component) else None
        if reasons := serves_not(self, runtime, port, PORT):
            return reasons
        try:
            with self._client(runtime) as client:
                kind = client.type(self.key).decode()
        except HarnessFailure as error:
            return [f"{self.component} does not let the harness in: {error.evidence}; give password="]
        if kind in ("none", self._type):
            return []
        return [f"the key {self.key!r} in {self.component} is a {kind}, not a {self._type}"]


@dataclass(frozen=True, repr=False)
class RedisList(_RedisQueue):
    """A list that producers push to and workers pop from (LPUSH and BRPOP, or the other way round).

    A job that a worker has popped is no longer in the list: depth counts what waits.

    A list carries no time stamps. Without ``enqueued_at`` the age is a lower bound: how long this
    probe has seen the same job at the oldest end. It takes jobs to differ, as they do where each has
    an id; where two neighbours there are alike byte for byte the age is ``None``.

    Attributes:
        component: a Redis.
        key: the list.
        payload: what a job looks like, for putting jobs: text in which ``{n}`` becomes 1, 2, 3 … in
            each put, or a function of that number.
        password: where the component's environment does not have it.
        oldest_end: where workers take from: ``left`` (LPOP) or ``right`` (RPOP).
        enqueued_at: a job's bytes → when it was put, unix time in seconds.
    """

    payload: str | Callable[[int], str | bytes] | None = None
    password: str | None = field(default=None, repr=False)
    oldest_end: Literal["left", "right"] = "left"
    enqueued_at: Callable[[bytes], float] | None = None
    _seen: dict[str, tuple[bytes, float]] = field(default_factory=dict, init=False, repr=False, compare=False)

    _type = "list"

    @property
    def can_put(self) -> bool:
        """Whether there is a ``payload``."""
        return self.payload is not None

    def depth(self, runtime: Runtime) -> int:
        """LLEN."""
        with self._client(runtime) as client:
            return int(client.llen(self.key))

    def oldest(self, runtime: Runtime) -> float | None:
        """By ``enqueued_at``, or how long the same job has been seen at the oldest end."""
        ends = (0, 1) if self.oldest_end == "left" else (-2, -1)
        with self._client(runtime) as client:
            jobs = client.lrange(self.key, *ends)
            if self.oldest_end == "right":
                jobs.reverse()
            if jobs and self.enqueued_at is not None:
                return max(0.0, _server_time(client) - self.enqueued_at(jobs[0]))
        now = runtime.clock.now()
        if not jobs or (len(jobs) > 1 and jobs[0] == jobs[1]):
            self._seen.pop(runtime.run_id, None)
            return None
        job, since = self._seen.get(runtime.run_id, (b"", now))
        if job != jobs[0]:
            since = now
        self._seen[runtime.run_id] = (jobs[0], since)
        return now - since

    def put(self, runtime: Runtime, count: int) -> None:
        """Push them at the newest end."""
        if self.payload is None:
            return super().put(runtime, count)
        with self._client(runtime, timeout=30.0) as client:
            push = client.rpush if self.oldest_end == "left" else client.lpush
            for first in range(1, count + 1, _CHUNK):
                push(self.key, *(self._job(n) for n in range(first, min(first + _CHUNK, count + 1))))
        return None

    def _job(self, number: int) -> str | bytes:
        assert self.payload is not None
        if callable(self.payload):
            return self.payload(number)
        return self.payload.replace("{n}", str(number))

    def misfits(self, runtime: Runtime) -> list[str]:
        """It fits a Redis that lets the harness in, and a key that is a list or not yet there."""
        if self.oldest_end not in ("left", "right"):
            return [f"oldest_end={self.oldest_end!r} is neither left nor right"]
        return super().misfits(runtime)

    def describe(self) -> dict[str, Any]:
        """The probe as JSON-able data, without its secrets."""
        return {name: value for name, value in super().describe().items() if name != "_seen"}


@dataclass(frozen=True, repr=False)
class RedisStream(_RedisQueue):
    """A stream, best with the consumer group of the workers.

    With a group, depth is its lag (what was not yet delivered) and its pending entries (delivered and
    not yet acknowledged). Redis 7 knows the lag, unless entries were deleted; else it is counted.
    Without a group depth is the stream's length, which fits workers that delete what they have done.

    The age is that of the oldest such entry, by the milliseconds of its id and the server's clock.

    Attributes:
        component: a Redis.
        key: the stream.
        group: the workers' consumer group.
        entry: the fields of a job, for putting jobs: in their values ``{n}`` becomes 1, 2, 3 … in each
            put.
        password: where the component's environment does not have it.
    """

    group: str | None = None
    entry: Mapping[str, str] | None = None
    password: str | None = field(default=None, repr=False)

    _type = "stream"

    @property
    def can_put(self) -> bool:
        """Whether there is an ``entry``."""
        return bool(self.entry)

    def depth(self, runtime: Runtime) -> int:
        """Lag and pending of the group, or XLEN."""
        with self._client(runtime) as client:
            if self.group is None:
                return int(client.xlen(self.key))
            group = self._group(client)
            lag = group.get("lag")
            if lag is None:
                lag = self._undelivered(client, group)
            return int(lag) + int(group["pending"])

    def oldest(self, runtime: Runtime) -> float | None:
        """By the milliseconds of the oldest entry's id."""
        with self._client(runtime) as client:
            ids: list[bytes] = []
            after = "-"
            if self.group is not None:
                after = f"({self._group(client)['last-delivered-id'].decode()}"
                ids += [client.xpending(self.key, self.group)["min"]]
            ids += [each for each, _ in client.xrange(self.key, after, "+", count=1)]
            stamps = [int(each.partition(b"-")[0]) for each in ids if each]
            return max(0.0, _server_time(client) - min(stamps) / 1000) if stamps else None

    def put(self, runtime: Runtime, count: int) -> None:
        """XADD each, many in a round trip."""
        if not self.entry:
            return super().put(runtime, count)
        with self._client(runtime, timeout=30.0) as client:
            for first in range(1, count + 1, _CHUNK):
                adding = client.pipeline(transaction=False)
                for number in range(first, min(first + _CHUNK, count + 1)):
                    made = {name: text.replace("{n}", str(number)) for name, text in self.entry.items()}
                    adding.xadd(self.key, made)
                adding.execute()
        return None

    def misfits(self, runtime: Runtime) -> list[str]:
        """It fits a Redis that lets the harness in, and a stream with this group."""
        reasons = super().misfits(runtime)
        if reasons or self.group is None:
            return reasons
        try:
            with self._client(runtime) as client:
                self._group(client)
        except HarnessFailure as error:
            return [f"{error.what}: {error.evidence}"]
        return []

    def _group(self, client: Any) -> Mapping[str, Any]:
        there = list(client.xinfo_groups(self.key)) if client.exists(self.key) else []
        for each in there:
            if each["name"].decode() == self.group:
                return dict(each)
        names = ", ".join(each["name"].decode() for each in there) or "none"
        raise HarnessFailure(
            f"the stream {self.key!r} has no consumer group {self.group!r}",
            where=self.component,
            evidence=f"its groups: {names}",
            remedy="the workers make it, most often when they start; is group= what they use?",
        )

    def _undelivered(self, client: Any, group: Mapping[str, Any]) -> int:
        counted, after = 0, group["last-delivered-id"].decode()
        while counted < _COUNTED:
            entries = client.xrange(self.key, f"({after}", "+", count=_CHUNK)
            counted += len(entries)
            if len(entries) < _CHUNK:
                break
            after = entries[-1][0].decode()
        return counted


def _server_time(client: Any) -> float:
    """Unix time in seconds, by the clock that stamped the entries."""
    seconds, microseconds = client.time()
    return float(seconds) + float(microseconds) / 1e6
