"""A standby that is made to lag: how it is slowed, how the lag is seen, and what it owes after the lift."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from chaoskit.clients import postgres, standby
from chaoskit.clients.postgres import Credentials, PostgresRefused, PostgresSession
from chaoskit.clients.standby import StandbyLook, StandbyWatch
from chaoskit.errors import FaultFailure, NotLifted
from chaoskit.faults.base import Evidence, Injection, Obligation, together
from chaoskit.faults.replication.pairs import Pair
from chaoskit.runtime import Runtime, Toxic
from chaoskit.system import Link


@dataclass(frozen=True, slots=True)
class LagAsked:
    """How far a standby must fall behind, and how soon it must catch up.

    Attributes:
        credentials: the credentials for both servers.
        at_least: seconds that the standby must be behind.
        at_least_bytes: bytes of log that it must be behind.
        delay: seconds by which a slow link delays everything.
        toxics: the toxics that make the link slow.
        catch_up_within: seconds after the lift within which the standby must catch up.
    """

    credentials: Credentials
    at_least: float
    at_least_bytes: int
    delay: float
    toxics: tuple[Toxic, ...]
    catch_up_within: float


class Lagging(Injection):
    """What both ways to lag share: the watch on the two servers, and the obligation after the lift."""

    LOOKBACK_DELAYS = 0.0
    """How far back :meth:`holding` looks, as a multiple of the link's delay."""

    def __init__(self, asked: LagAsked, runtime: Runtime, pair: Pair) -> None:
        self._asked, self._runtime, self._pair = asked, runtime, pair
        self._watch = StandbyWatch(runtime, pair.primary, pair.replica, asked.credentials)

    def start(self) -> None:
        """Look once, then make the standby lag: what was written between the two counts as well."""
        self._watch.look()
        try:
            self._begin()
        except BaseException:
            self._watch.close()
            raise
        self._watch.start()

    @abstractmethod
    def _begin(self) -> None:
        """Make the standby lag."""

    def _standby(self) -> AbstractContextManager[PostgresSession]:
        credentials = self._asked.credentials
        return postgres.session(self._runtime, self._pair.replica, credentials, "chaoskit-look")

    def landed(self) -> Evidence:
        """Whether the standby is as far behind as asked."""
        behind = self._watch.look()
        return self._evidence(() if behind is None else (behind,))

    def holding(self) -> Evidence:
        """Whether the standby is still as far behind as asked."""
        behind = self._watch.look()
        if behind is None:
            return self._evidence(())
        since = behind.moment - self.LOOKBACK_DELAYS * self._asked.delay
        return self._evidence((*(each for each in self._watch.lag.looks if each.moment > since), behind))

    def _evidence(self, looks: Sequence[StandbyLook]) -> Evidence:
        asked, pair = self._asked, self._pair
        if not looks:
            return Evidence(False, f"how far {pair.replica} is behind is not known: {self._watch.trouble}")
        enough = [
            each
            for each in looks
            if each.seconds >= asked.at_least and each.size_bytes >= asked.at_least_bytes
        ]
        seen = enough[-1] if enough else looks[-1]
        written = self._watch.lag.written_bytes
        says = f"{pair.replica} is {seen.size_bytes:,} bytes and {seen.seconds:.1f} s behind {pair.primary}"
        if not enough and not written:
            says += ", which has written nothing since the injection: drive a journey that writes"
        elif not enough:
            wanted = f"{asked.at_least_bytes:,} bytes and " if asked.at_least_bytes else ""
            says += f"; the fault asks for {wanted}{asked.at_least:g} s"
        figures = {
            "behind_bytes": seen.size_bytes,
            "behind_seconds": round(seen.seconds, 3),
            "written_bytes": written,
        }
        return Evidence(bool(enough), says, figures)

    def obligations(self, since_lift: float) -> Sequence[Obligation]:
        """``catches up``: the standby replays in time all that its primary had written at the lift."""
        asked, pair, watch = self._asked, self._pair, self._watch
        behind = None if watch.caught_up is not None else watch.look()
        figures: dict[str, Any] = {"within_seconds": asked.catch_up_within, "owed_bytes": watch.owed_bytes}
        allowed = f"{asked.catch_up_within:g} s allowed"
        if watch.caught_up is not None:
            says = (
                f"{pair.replica} had {watch.owed_bytes or 0:,} bytes of {pair.primary} to replay at the "
                f"lift, and was done {watch.caught_up:.2g} s later; {allowed}"
            )
            kept: bool | None = watch.caught_up <= asked.catch_up_within
            figures["seconds"] = round(watch.caught_up, 3)
        elif behind is None:
            says = f"whether {pair.replica} has caught up is not known: {watch.trouble}"
            kept = None
        else:
            says = (
                f"{pair.replica} is still {behind.size_bytes:,} bytes and {behind.seconds:.1f} s behind "
                f"{pair.primary} {since_lift:.1f} s after the lift; {allowed}"
            )
            kept = False if since_lift > asked.catch_up_within else None
            figures |= {"behind_bytes": behind.size_bytes, "behind_seconds": round(behind.seconds, 3)}
        if kept is not None:
            watch.close()
        return (Obligation("catches up", kept, says, figures),)


class PausedReplay(Lagging):
    """Replay on the standby is paused."""

    def _begin(self) -> None:
        replica = self._pair.replica
        try:
            with self._standby() as session:
                standby.pause(session)
        except PostgresRefused as error:
            raise FaultFailure(
                f"replay on {replica} could not be paused", where=replica, evidence=str(error)
            ) from error

    def lift(self) -> None:
        """Resume replay.

        Raises:
            NotLifted: the standby does not let the harness resume it.
        """
        self._watch.lifted(self._asked.catch_up_within)
        replica = self._pair.replica
        try:
            with self._standby() as session:
                standby.resume(session)
        except PostgresRefused as error:
            raise NotLifted(
                f"replay on {replica} could not be resumed",
                where=replica,
                evidence=str(error),
                remedy=f"restart {replica}: a pause does not outlive the server's process",
            ) from error

    def gone(self) -> Evidence:
        """Whether the standby says that replay is not paused."""
        replica = self._pair.replica
        try:
            with self._standby() as session:
                still = standby.paused(session)
        except PostgresRefused as error:
            return Evidence(False, f"whether replay on {replica} runs is not known: {error}")
        return Evidence(not still, f"replay on {replica} {'is still paused' if still else 'is not paused'}")


class SlowReplication(Lagging):
    """The link from the standby to its primary is slow."""

    # The lag over a slow link is a saw-tooth: it grows from a write until that write arrives, and a look may
    # come just after the arrival.
    LOOKBACK_DELAYS = 2.0

    def _begin(self) -> None:
        for link in self._pair.links:
            for toxic in self._asked.toxics:
                self._runtime.add_toxic(link, toxic)

    def holding(self) -> Evidence:
        """Whether the link is still slow, and the standby was as far behind as asked a moment ago."""
        looks = [
            Evidence(toxic in self._names(link), f"{link.name} has no {toxic}")
            for link in self._pair.links
            for toxic in (each.name for each in self._asked.toxics)
        ]
        behind = super().holding()
        return together([*looks, behind], behind.says)

    def _names(self, link: Link) -> set[str]:
        return {toxic.name for toxic in self._runtime.toxics(link)}

    def lift(self) -> None:
        """Remove the toxics."""
        self._watch.lifted(self._asked.catch_up_within)
        for link in self._pair.links:
            # The last toxic is removed first, as from the undo log. Removing the latency hands on all that it
            # still holds back: through a link that is still narrow that would take minutes, in which
            # Toxiproxy's API hangs.
            for toxic in reversed(self._asked.toxics):
                self._runtime.remove_toxic(link, toxic.name)

    def gone(self) -> Evidence:
        """Whether Toxiproxy has none of this fault's toxics any more."""
        ours = {toxic.name for toxic in self._asked.toxics}
        looks = [
            Evidence(not ours & self._names(link), f"{link.name} is still slow") for link in self._pair.links
        ]
        return together(looks, f"no toxic of this fault is left on {self._pair.replica}'s link")
