"""Replica lag: a user who reads from the replica sees the past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from chaoskit.clients import postgres
from chaoskit.clients.postgres import Credentials
from chaoskit.errors import FaultMisfit
from chaoskit.faults.base import Fault, Injection, targets
from chaoskit.faults.replication.lagging import LagAsked, Lagging, PausedReplay, SlowReplication
from chaoskit.faults.replication.pairs import Pair, pair_of
from chaoskit.record.masking import MASK
from chaoskit.runtime import Runtime, Toxic, Undo
from chaoskit.system import Impact

Means = Literal["replay", "link"]

_EXTRA_DELAY_SECONDS = 0.5
"""Seconds by which a slow link is slower than the user asked: the measured lag is too small by up to the time
between two looks and between two writes."""

_NARROW_BYTES_PER_S = 1_000.0
"""What a narrow link lets through: the least that Toxiproxy can, and less than any primary writes that can
fall behind by a number of bytes."""


@dataclass(frozen=True)
class ReplicaLag(Fault):
    """A PostgreSQL standby falls behind its primary.

    50,000 users: reads have moved to a replica, and one day the replica does not keep up. Nothing fails and
    nothing is slow, but a user who has just placed an order does not find it. So, besides having an SLO, a
    journey should say what it wrote and what it read (:meth:`chaoskit.load.user.User.wrote` and ``read``).

    For example, ``ReplicaLag("replica")`` pauses replay, so that readers of the standby see the past.
    ``ReplicaLag("replica", by="link", at_least=5.0)`` slows the link over which the standby receives the log,
    so that it is five seconds behind.

    The fault lands once the standby is both ``at_least`` seconds and ``at_least_bytes`` bytes behind,
    measured on the two servers. So a journey must write meanwhile. After the lift the standby owes that it
    ``catches up`` in time.

    Attributes:
        replica: the standby: a physical one, of PostgreSQL 11 or newer.
        by: ``replay`` pauses replay on the standby, which receives everything and shows nothing new. ``link``
            delays what the standby receives from its primary, and also makes the link narrow if
            ``at_least_bytes`` is given. Both last until the lift.
        at_least: seconds that the standby must be behind.
        at_least_bytes: bytes of write-ahead log that the standby must be behind.
        primary: the server that the standby follows. By default it is found from what the standby says, or
            from its links.
        user, password, database: credentials for both servers. Those that are not given come from the
            environments of the two components (``POSTGRES_USER``, …). ``replay`` needs a superuser, or a role
            that may execute ``pg_wal_replay_pause`` and ``pg_wal_replay_resume``.
        catch_up_within: seconds from the lift within which the standby must replay all that the primary had
            written at the lift.
    """

    stage: ClassVar[str] = "50,000 users"
    evidence: ClassVar[str] = (
        "the standby is ``at_least`` seconds and ``at_least_bytes`` bytes behind, by its own replay "
        "position and its primary's write position"
    )
    owes: ClassVar[str] = (
        "``catches up``: within ``catch_up_within`` seconds of the lift the standby has replayed all that "
        "its primary had written at the lift"
    )

    replica: str
    by: Means = "replay"
    at_least: float = 2.0
    at_least_bytes: int = 0
    primary: str | None = None
    user: str | None = None
    password: str | None = None
    database: str | None = None
    catch_up_within: float = 30.0

    def describe(self) -> dict[str, Any]:
        """The fault as JSON-able data; its password is masked."""
        return {**super().describe(), "password": MASK if self.password else None}

    @property
    def credentials(self) -> Credentials:
        """The credentials that the harness connects to both servers with."""
        return Credentials(self.user, self.password, self.database)

    def misfits(self, runtime: Runtime) -> list[str]:
        """One standby whose primary is known, where both servers let the harness in; for ``replay`` the right
        to pause replay, for ``link`` a link from the standby to its primary.
        """
        found = self._pair(runtime)
        return found if isinstance(found, list) else []

    def impact(self, runtime: Runtime) -> Impact:
        """The standby is strained: it still serves, but shows the past."""
        return Impact(strained=frozenset(targets(self.replica, runtime.components)))

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """Remove the toxics, or restart the standby. A pause does not outlive the server's process, and
        resuming replay would take a password that is not written to disk.
        """
        if self.by == "replay":
            return tuple(Undo("restart", name) for name in targets(self.replica, runtime.components))
        return tuple(
            Undo("remove_toxic", link.proxy, {"name": toxic.name})
            for link in self._fitting(runtime).links
            for toxic in self.toxics()
        )

    def toxics(self) -> tuple[Toxic, ...]:
        """The toxics of ``link``. The log flows downstream, because the standby opens the connection."""
        toxics = [Toxic("chaoskit-lag", "latency", attributes={"latency": self.delay})]
        if self.at_least_bytes:
            narrow = {"rate_bytes_per_s": _NARROW_BYTES_PER_S}
            toxics.append(Toxic("chaoskit-lag-bytes", "bandwidth", attributes=narrow))
        return tuple(toxics)

    @property
    def delay(self) -> float:
        """Seconds by which ``link`` delays everything."""
        return self.at_least + _EXTRA_DELAY_SECONDS

    def inject(self, runtime: Runtime) -> Injection:
        """Pause replay, or make the link slow."""
        pair = self._fitting(runtime)
        asked = LagAsked(
            self.credentials,
            self.at_least,
            self.at_least_bytes,
            self.delay,
            self.toxics(),
            self.catch_up_within,
        )
        injection: Lagging = (PausedReplay if self.by == "replay" else SlowReplication)(asked, runtime, pair)
        injection.start()
        return injection

    def _fitting(self, runtime: Runtime) -> Pair:
        found = self._pair(runtime)
        if isinstance(found, list):
            raise FaultMisfit(
                f"{self.name} does not fit this system any more",
                evidence="\n".join(found),
                remedy="nothing was injected",
            )
        return found

    def _pair(self, runtime: Runtime) -> Pair | list[str]:
        """The two servers and their links, or why the fault does not fit."""
        reasons = []
        if self.by not in get_args(Means):
            reasons.append(f"by={self.by!r} is not one of {', '.join(get_args(Means))}")
        if self.at_least <= 0:
            reasons.append(f"at_least is {self.at_least:g} s; it must be above zero")
        if self.at_least_bytes < 0:
            reasons.append(f"at_least_bytes is {self.at_least_bytes}; it must be zero or more")
        if self.catch_up_within <= 0:
            reasons.append(f"catch_up_within is {self.catch_up_within:g} s; it must be above zero")
        if reasons:
            return reasons
        found = pair_of(self.replica, self.primary, self.credentials, runtime)
        if isinstance(found, list):
            return found
        if self.by == "link" and not found.links:
            return [
                f"there is no link {found.replica}→{found.primary}:{postgres.PORT}; by='replay' needs no link"
            ]
        if self.by == "replay" and not found.may_pause:
            return [
                f"this user may not pause replay on {found.replica}; give a superuser with user= and "
                "password=, or grant execute on pg_wal_replay_pause() and pg_wal_replay_resume()"
            ]
        return found
