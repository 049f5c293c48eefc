"""Replica lag: whoever reads from the replica sees the past."""

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

_BEYOND = 0.5
"""Seconds by which a slow link is slower than asked for: what is measured errs on the small side, by
up to the time between two looks and between two writes."""

_NARROW_BYTES_PER_S = 1_000.0
"""What a narrow link lets through: the least that Toxiproxy can, and less than any primary writes
from which a backlog of bytes is asked."""


@dataclass(frozen=True)
class ReplicaLag(Fault):
    """A PostgreSQL standby falls behind its primary.

    50,000 users: reads have moved to a replica, and one day it does not keep up. Nothing fails and
    nothing is slow; a user who has just ordered does not find the order. So beside the SLOs the
    journeys should say what they wrote and read (:meth:`chaoskit.load.user.User.wrote`).

    It lands when the standby is both ``at_least`` seconds and ``at_least_bytes`` behind, measured on
    the two servers; so somebody has to write. After the lift it owes that it *catches up*.

    Attributes:
        replica: the standby; a physical one, PostgreSQL 11 or newer.
        by: ``replay`` pauses replay on the standby: it gets everything and shows nothing new.
            ``link`` delays what it gets from its primary, and makes the link narrow if bytes are
            asked for. Both last until the lift.
        at_least: seconds that it must be behind.
        at_least_bytes: bytes of write-ahead log that it must be behind.
        primary: whom it follows; found from what the standby says, or from its links, if not given.
        user, password, database: credentials for both, where their environments
            (``POSTGRES_USER``, …) do not have them. ``replay`` needs a superuser, or one who was
            granted ``pg_wal_replay_pause`` and ``pg_wal_replay_resume``.
        catch_up_within: seconds from the lift within which it must have replayed what the primary
            had written by then.
    """

    stage: ClassVar[str] = "50,000 users"
    evidence: ClassVar[str] = (
        "the standby is ``at_least`` seconds and ``at_least_bytes`` bytes behind, by what it has replayed "
        "against what its primary has written"
    )
    owes: ClassVar[str] = (
        "``catches up``: within ``catch_up_within`` of the lift it has replayed what its primary had "
        "written by then"
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
        """The fault as JSON-able data, without its password."""
        return {**super().describe(), "password": MASK if self.password else None}

    @property
    def credentials(self) -> Credentials:
        """Who the harness is to both servers."""
        return Credentials(self.user, self.password, self.database)

    def misfits(self, runtime: Runtime) -> list[str]:
        """It fits one standby whose primary is known, if both let the harness in."""
        found = self._pair(runtime)
        return found if isinstance(found, list) else []

    def impact(self, runtime: Runtime) -> Impact:
        """The standby is strained: it serves, but the past."""
        return Impact(strained=frozenset(targets(self.replica, runtime.components)))

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """Take the toxics off; or restart the standby, since a pause does not outlive its process
        and nobody else knows the password that resuming takes.
        """
        if self.by == "replay":
            return tuple(Undo("restart", name) for name in targets(self.replica, runtime.components))
        return tuple(
            Undo("remove_toxic", link.proxy, {"name": toxic.name})
            for link in self._fitting(runtime).links
            for toxic in self.toxics()
        )

    def toxics(self) -> tuple[Toxic, ...]:
        """What ``link`` puts between the two; the log flows downstream, for the standby dials."""
        toxics = [Toxic("chaoskit-lag", "latency", attributes={"latency": self.delay})]
        if self.at_least_bytes:
            narrow = {"rate_bytes_per_s": _NARROW_BYTES_PER_S}
            toxics.append(Toxic("chaoskit-lag-bytes", "bandwidth", attributes=narrow))
        return tuple(toxics)

    @property
    def delay(self) -> float:
        """Seconds by which ``link`` delays everything."""
        return self.at_least + _BEYOND

    def inject(self, runtime: Runtime) -> Injection:
        """Pause replay, or slow the link."""
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
        """The two servers and their links, or why it does not fit."""
        reasons = []
        if self.by not in get_args(Means):
            reasons.append(f"by={self.by!r} is none of {', '.join(get_args(Means))}")
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
                f"there is no link {found.replica}→{found.primary}:{postgres.PORT}; by='replay' needs none"
            ]
        if self.by == "replay" and not found.may_pause:
            return [
                f"this user may not pause replay on {found.replica}: give a superuser as user= and "
                "password=, or grant execute on pg_wal_replay_pause() and pg_wal_replay_resume()"
            ]
        return found
