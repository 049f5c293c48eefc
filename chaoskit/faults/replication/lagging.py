"""A standby that is made to lag: what is done, how it is seen, and what it owes after the lift."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from chaoskit.clients import postgres, standby
from chaoskit.clients.postgres import Credentials, PostgresRefused, PostgresSession
from chaoskit.clients.standby import StandbyLook, Watch
from chaoskit.errors import FaultFailure, NotLifted
from chaoskit.faults.base import Evidence, Injection, Obligation, together
from chaoskit.faults.replication.pairs import Pair
from chaoskit.runtime import Runtime, Toxic
from chaoskit.system import Link


@dataclass(frozen=True, slots=True)
class LagAsked:
    """What a standby is to suffer, and what it owes afterwards.

    Attributes:
        credentials: who the harness is to both servers.
        at_least: seconds that the standby is to be behind.
        at_least_bytes: bytes of log that it is to be behind.
        delay: seconds by which a slow link delays everything.
        toxics: what makes the link slow.
        catch_up_within: seconds after the lift within which it has caught up.
    """

    credentials: Credentials
    at_least: float
    at_least_bytes: int
    delay: float
    toxics: tuple[Toxic, ...]
    catch_up_within: float


class Lagging(Injection):
    """What both ways have in common: the watch, and the debt after the lift."""

    LOOKBACK_DELAYS = 0.0
    """How far back :meth:`holding` looks, in delays of the link."""

    def __init__(self, asked: LagAsked, runtime: Runtime, pair: Pair) -> None:
        self._asked, self._runtime, self._pair = asked, runtime, pair
        self._watch = Watch(runtime, pair.primary, pair.replica, asked.credentials)

    def start(self) -> None:
        """Begin to look, then do it: what was written before counts as well."""
        self._watch.look()
        try:
            self._begin()
        except BaseException:
            self._watch.close()
            raise
        self._watch.start()

    @abstractmethod
    def _begin(self) -> None:
        """Do it."""

    def _standby(self) -> AbstractContextManager[PostgresSession]:
        credentials = self._asked.credentials
        return postgres.session(self._runtime, self._pair.replica, credentials, "chaoskit-look")

    def landed(self) -> Evidence:
        """The standby is as far behind as it was asked for."""
        behind = self._watch.look()
        return self._evidence(() if behind is None else (behind,))

    def holding(self) -> Evidence:
        """It is still."""
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
            says += f"; {wanted}{asked.at_least:g} s are asked for"
        figures = {
            "behind_bytes": seen.size_bytes,
            "behind_seconds": round(seen.seconds, 3),
            "written_bytes": written,
        }
        return Evidence(bool(enough), says, figures)

    def obligations(self, since_lift: float) -> Sequence[Obligation]:
        """It catches up: it replays in time what its primary had written at the lift."""
        asked, pair, watch = self._asked, self._pair, self._watch
        behind = None if watch.caught_up is not None else watch.look()
        figures: dict[str, Any] = {"within_seconds": asked.catch_up_within, "owed_bytes": watch.owed_bytes}
        allowed = f"{asked.catch_up_within:g} s are allowed"
        if watch.caught_up is not None:
            says = (
                f"{pair.replica} had {watch.owed_bytes or 0:,} bytes of {pair.primary} to replay at the "
                f"lift, and had done so {watch.caught_up:.2g} s later; {allowed}"
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
    """Replay is paused."""

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
            NotLifted: the standby does not let the harness do so.
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
                remedy="a restart of it ends the pause",
            ) from error

    def gone(self) -> Evidence:
        """The standby says that replay is not paused."""
        replica = self._pair.replica
        try:
            with self._standby() as session:
                still = standby.paused(session)
        except PostgresRefused as error:
            return Evidence(False, f"whether replay on {replica} runs is not known: {error}")
        return Evidence(not still, f"replay on {replica} {'is still paused' if still else 'is not paused'}")


class SlowReplication(Lagging):
    """The link from the standby to its primary is slow."""

    # The lag over a slow link is a saw-tooth: it grows from a write to its arrival, and a look may
    # fall just behind that.
    LOOKBACK_DELAYS = 2.0

    def _begin(self) -> None:
        for link in self._pair.links:
            for toxic in self._asked.toxics:
                self._runtime.add_toxic(link, toxic)

    def holding(self) -> Evidence:
        """The link is still slow, and the standby was as far behind a moment ago."""
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
        """Take the toxics off."""
        self._watch.lifted(self._asked.catch_up_within)
        for link in self._pair.links:
            # The last one first, as the undo log has it: what the latency still holds back is handed
            # on when it is removed, and would trickle through a narrow link for minutes, in which
            # Toxiproxy's API hangs.
            for toxic in reversed(self._asked.toxics):
                self._runtime.remove_toxic(link, toxic.name)

    def gone(self) -> Evidence:
        """Toxiproxy has none of this fault's toxics any more."""
        ours = {toxic.name for toxic in self._asked.toxics}
        looks = [
            Evidence(not ours & self._names(link), f"{link.name} is still slow") for link in self._pair.links
        ]
        return together(looks, f"no toxic of this fault is left on {self._pair.replica}'s link")
