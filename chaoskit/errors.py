"""The exception tree: one root, and below it who has to act.

::

    ChaoskitError
    ├── UsageError            the user mends the declaration or the command
    │   ├── DeclarationError  the system or its journeys; all mistakes at once
    │   ├── ComposeError      the compose file, in Compose's own words
    │   ├── Uninterposable    something in the compose file that cannot go through Toxiproxy
    │   └── FaultMisfit       a fault on a component that it does not fit
    ├── EnvironmentFailure    the machine or the system mends itself, or somebody mends it
    │   ├── EngineUnavailable no container engine answers
    │   ├── ImageUnavailable  an image is neither here nor to be had
    │   ├── StartFailed       Compose could not start the system
    │   ├── NotReady          a condition did not come true within its limit
    │   └── JournalUnwritable the record cannot be written
    ├── HarnessFailure        chaoskit's own instruments
    │   ├── ToxiproxyFailure  a call to Toxiproxy failed or what it says is not what was asked for
    │   ├── LoadFailure       the load process died or cannot be trusted
    │   └── RuntimeFailure    a lifecycle call to the engine failed
    ├── FaultFailure          an injection
    │   ├── NotLanded         no evidence that the fault is there
    │   └── NotLifted         no evidence that the fault is gone; the environment is poisoned
    └── UnexpectedVerdict     what a test of the user's is for: the verdict is not the one it asserts
        ├── PromiseBroken     a promise was not kept
        └── VerdictUnknown    it cannot be told whether all were; never a pass

Every error says what happened, where, the limit that was exceeded, the last evidence and the remedy.
"""

from __future__ import annotations

from collections.abc import Sequence


class ChaoskitError(Exception):
    """The root of everything that chaoskit raises on purpose.

    Args:
        what: what happened, one sentence.
        where: the file, component, link or journey it happened to.
        limit: the limit that was exceeded, with its unit.
        evidence: the last thing that was seen; may have several lines.
        remedy: what the reader can do now.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        limit: str | None = None,
        evidence: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.limit = limit
        self.evidence = evidence
        self.remedy = remedy

    def __str__(self) -> str:
        lines = [self.what]
        for label, text in (
            ("where", self.where),
            ("limit", self.limit),
            ("evidence", self.evidence),
            ("remedy", self.remedy),
        ):
            if text:
                first, *rest = text.rstrip().splitlines() or [""]
                lines.append(f"  {label + ':':<10}{first}")
                lines.extend(f"  {'':<10}{line}" for line in rest)
        return "\n".join(lines)


class UsageError(ChaoskitError):
    """A mistake of the user's: shown as it is, never with a traceback of ours."""


class DeclarationError(UsageError):
    """The declaration of a system has mistakes; it carries all of them."""

    def __init__(self, mistakes: Sequence[str], *, where: str | None = None) -> None:
        self.mistakes = tuple(mistakes)
        count = len(self.mistakes)
        super().__init__(
            f"the system's declaration has {count} mistake{'s' if count != 1 else ''}",
            where=where,
            evidence="\n".join(f"- {mistake}" for mistake in self.mistakes),
            remedy="mend them where the system is declared; nothing was started",
        )


class ComposeError(UsageError):
    """Compose does not accept the file; the evidence is what Compose says."""


class Uninterposable(UsageError):
    """The compose file holds something that cannot be put behind Toxiproxy."""


class FaultMisfit(UsageError):
    """A fault was asked of a component that it does not fit."""


class EnvironmentFailure(ChaoskitError):
    """The machine or the system under test is not in the state that is needed."""


class EngineUnavailable(EnvironmentFailure):
    """No container engine answers."""


class ImageUnavailable(EnvironmentFailure):
    """An image is neither on this engine nor to be had from a registry."""


class StartFailed(EnvironmentFailure):
    """Compose could not start the system."""


class NotReady(EnvironmentFailure):
    """A condition did not come true within its limit."""


class JournalUnwritable(EnvironmentFailure):
    """The record of a run cannot be written (a full disk, no permission)."""


class HarnessFailure(ChaoskitError):
    """An instrument of chaoskit's own failed: no verdict can rest on it."""


class ToxiproxyFailure(HarnessFailure):
    """A call to Toxiproxy failed, or its state is not what was asked for."""


class LoadFailure(HarnessFailure):
    """The load process died, or its measurements cannot be trusted."""


class RuntimeFailure(HarnessFailure):
    """A lifecycle call to the engine failed."""


class FaultFailure(ChaoskitError):
    """An injection did not go as it must."""


class NotLanded(FaultFailure):
    """There is no evidence that the fault is there."""


class NotLifted(FaultFailure):
    """There is no evidence that the fault is gone: the environment is poisoned."""


class UnexpectedVerdict(ChaoskitError, AssertionError):
    """The verdict of an experiment is not the one that a test asserts."""


class PromiseBroken(UnexpectedVerdict):
    """A promise was not kept, and chance is excluded."""


class VerdictUnknown(UnexpectedVerdict):
    """It cannot be told whether the promises were kept: never a pass, and no breach either.

    Args:
        what: the verdict table and the reasons.
        instrument: whether one of the harness's own instruments failed, so that the system under
            test has no part in it.
    """

    def __init__(self, what: str, *, instrument: bool = False) -> None:
        super().__init__(what)
        self.instrument = instrument
