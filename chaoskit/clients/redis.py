"""A client for Redis and compatible servers (Valkey, KeyDB), on redis-py, and probes of job queues in them.

A job queue in Redis is a list or a stream.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from chaoskit.clients.queues import Queue, not_served
from chaoskit.errors import HarnessFailure
from chaoskit.runtime import Runtime

PORT = 6379
"""The port of Redis."""

_JOBS_PER_ROUND_TRIP = 1000
"""Jobs that are put in one round trip, and entries that are counted in one."""

_MOST_ENTRIES_COUNTED = 200_000
"""The most entries of a stream that are counted one by one."""


@contextlib.contextmanager
def client(
    runtime: Runtime, component: str, password: str | None = None, timeout: float = 2.0
) -> Iterator[redis.Redis]:
    """A client over the harness's own link, for the length of a ``with`` block.

    By default redis-py 8 retries ten times, each with a time-out of five seconds. The harness wants to see
    the server as it is now, so this client tries once.

    Args:
        runtime: the runtime of the system.
        component: the server.
        password: by default the component's ``REDIS_PASSWORD`` or ``VALKEY_PASSWORD``.
        timeout: seconds for connecting and for each command.

    Raises:
        redis.RedisError: a command failed; redis-py says why.
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


@dataclass(frozen=True, repr=False)
class _RedisQueue(Queue):
    """What the queues in Redis share: the client, and errors that say what failed."""

    key: str

    _type = ""

    @contextlib.contextmanager
    def _client(self, runtime: Runtime, timeout: float = 2.0) -> Iterator[Any]:
        # Any, because redis-py's annotations also cover its asynchronous client, whose answers are awaited.
        password: str | None = getattr(self, "password", None)
        try:
            with client(runtime, self.component, password, timeout) as opened:
                yield opened
        except redis.RedisError as error:
            raise HarnessFailure(
                f"{self!r} cannot be read or written",
                where=self.component,
                evidence=str(error),
                remedy="read the component's output, and check that key= is the queue's key",
            ) from error

    def misfits(self, runtime: Runtime) -> list[str]:
        """A Redis that lets the harness in, and a key that is of this kind or does not exist yet."""
        port = PORT if PORT in runtime.ports(self.component) else None
        if reasons := not_served(self, runtime, port, PORT):
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
    """A list of Redis that producers push to and workers pop from (LPUSH and BRPOP, or the other way round).

    A job that a worker has popped is no longer in the list, so the depth counts the jobs that wait.

    A list has no time stamps. Without ``enqueued_at`` the age of the oldest job is a lower bound: how long
    this probe has seen the same job at the oldest end. That works if jobs differ, as jobs with an id do. If
    the two oldest jobs are the same byte for byte, the age is ``None``.

    Attributes:
        component: a Redis or compatible server.
        key: the key of the list.
        payload: what a job looks like, for putting jobs: a text in which ``{n}`` becomes 1, 2, 3 … in each
            put, or a function of that number.
        password: the password, where the component's environment does not have it.
        oldest_end: the end that workers take jobs from: ``left`` (LPOP) or ``right`` (RPOP).
        enqueued_at: a job's bytes → when it was put, as Unix time in seconds.
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
        """The length of the list (LLEN)."""
        with self._client(runtime) as client:
            return int(client.llen(self.key))

    def oldest(self, runtime: Runtime) -> float | None:
        """The age by ``enqueued_at``, or how long this probe has seen the same job at the oldest end."""
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
        """Push the jobs at the newest end."""
        if self.payload is None:
            return super().put(runtime, count)
        with self._client(runtime, timeout=30.0) as client:
            push = client.rpush if self.oldest_end == "left" else client.lpush
            for first in range(1, count + 1, _JOBS_PER_ROUND_TRIP):
                end = min(first + _JOBS_PER_ROUND_TRIP, count + 1)
                push(self.key, *(self._job(number) for number in range(first, end)))
        return None

    def _job(self, number: int) -> str | bytes:
        assert self.payload is not None
        if callable(self.payload):
            return self.payload(number)
        return self.payload.replace("{n}", str(number))

    def misfits(self, runtime: Runtime) -> list[str]:
        """A Redis that lets the harness in, and a key that is a list or does not exist yet."""
        if self.oldest_end not in ("left", "right"):
            return [f"oldest_end={self.oldest_end!r} is neither left nor right"]
        return super().misfits(runtime)

    def describe(self) -> dict[str, Any]:
        """The probe as JSON-able data; its secrets are masked."""
        return {name: value for name, value in super().describe().items() if name != "_seen"}


@dataclass(frozen=True, repr=False)
class RedisStream(_RedisQueue):
    """A stream of Redis, best with the consumer group of the workers.

    With a group, the depth is the group's lag (entries that are not delivered yet) plus its pending entries
    (delivered and not acknowledged yet). Redis 7 knows the lag unless entries were deleted; otherwise the
    probe counts the entries. Without a group, the depth is the length of the stream, which fits workers that
    delete each job that they have done.

    The age is that of the oldest such entry, by the milliseconds in its id and the server's clock.

    Attributes:
        component: a Redis or compatible server.
        key: the key of the stream.
        group: the consumer group of the workers.
        entry: the fields of a job, for putting jobs; ``{n}`` in a value becomes 1, 2, 3 … in each put.
        password: the password, where the component's environment does not have it.
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
        """The lag plus the pending entries of the group, or the length of the stream (XLEN)."""
        with self._client(runtime) as client:
            if self.group is None:
                return int(client.xlen(self.key))
            group = self._group(client)
            lag = group.get("lag")
            if lag is None:
                lag = self._undelivered(client, group)
            return int(lag) + int(group["pending"])

    def oldest(self, runtime: Runtime) -> float | None:
        """The age of the oldest entry, by the milliseconds in its id."""
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
        """Add the jobs with XADD, many in one round trip."""
        if not self.entry:
            return super().put(runtime, count)
        with self._client(runtime, timeout=30.0) as client:
            for first in range(1, count + 1, _JOBS_PER_ROUND_TRIP):
                adding = client.pipeline(transaction=False)
                for number in range(first, min(first + _JOBS_PER_ROUND_TRIP, count + 1)):
                    made = {name: text.replace("{n}", str(number)) for name, text in self.entry.items()}
                    adding.xadd(self.key, made)
                adding.execute()
        return None

    def misfits(self, runtime: Runtime) -> list[str]:
        """A Redis that lets the harness in, and a stream with this consumer group."""
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
            remedy="check that group= is the group of the workers; most workers create it when they start",
        )

    def _undelivered(self, client: Any, group: Mapping[str, Any]) -> int:
        counted, after = 0, group["last-delivered-id"].decode()
        while counted < _MOST_ENTRIES_COUNTED:
            entries = client.xrange(self.key, f"({after}", "+", count=_JOBS_PER_ROUND_TRIP)
            counted += len(entries)
            if len(entries) < _JOBS_PER_ROUND_TRIP:
                break
            after = entries[-1][0].decode()
        return counted


def _server_time(client: Any) -> float:
    """Unix time in seconds by the server's clock, which also stamped the entries."""
    seconds, microseconds = client.time()
    return float(seconds) + float(microseconds) / 1e6
