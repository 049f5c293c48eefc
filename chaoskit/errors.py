"""The exception tree: one root, and below it a branch for each party that can act.

::

    ChaoskitError
    ├── UsageError            the user corrects the declaration or the command
    │   ├── DeclarationError  the system or its journeys; carries every mistake at once
    │   ├── ComposeError      the compose file, in Compose's own words
    │   ├── Uninterposable    the compose file holds something that cannot go through Toxiproxy
    │   └── FaultMisfit       the fault does not fit its component
    ├── EnvironmentFailure    the machine or the system under test recovers, or a person repairs it
    │   ├── EngineUnavailable no container engine answers
    │   ├── ImageUnavailable  an image is not on this engine and cannot be pulled
    │   ├── StartFailed       Compose could not start the system
    │   ├── NotReady          a condition did not come true within its limit
    │   └── JournalUnwritable the record of a run cannot be written
    ├── HarnessFailure        an instrument of chaoskit failed
    │   ├── ToxiproxyFailure  a call to Toxiproxy failed, or its state differs from what was asked for
    │   ├── LoadFailure       the load process died, or its measurements cannot be trusted
    │   └── RuntimeFailure    a lifecycle call to the engine failed
    ├── FaultFailure          an injection went wrong
    │   ├── NotLanded         no evidence shows that the fault is there
    │   └── NotLifted         no evidence shows that the fault is gone; the environment is poisoned
    └── UnexpectedVerdict     a test asserts another verdict; this is what tests are for
        ├── PromiseBroken     a promise was broken
        └── VerdictUnknown    the evidence does not tell whether all promises were kept; never a pass

Every error says what happened, where, the limit that was exceeded, the last evidence and the remedy.
"""

from __future__ import annotations

from collections.abc import Sequence


class ChaoskitError(Exception):
    """The root of everything that chaoskit raises on purpose.

    Args:
        what: what happened, in one sentence.
        where: the file, component, link or journey that it happened to.
        limit: the limit that was exceeded, with its unit.
        evidence: the last thing that was seen; it may have several lines.
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
    """A mistake of the user. It is shown as it is, never with a traceback of chaoskit."""


class DeclarationError(UsageError):
    """The declaration of a system has mistakes; the error carries all of them."""

    def __init__(self, mistakes: Sequence[str], *, where: str | None = None) -> None:
        self.mistakes = tuple(mistakes)
        count = len(self.mistakes)
        super().__init__(
            f"the system's declaration has {count} mistake{'s' if count != 1 else ''}",
            where=where,
            evidence="\n".join(f"- {mistake}" for mistake in self.mistakes),
            remedy="correct them where the system is declared; nothing was started",
        )


class ComposeError(UsageError):
    """Compose does not accept the file; the evidence quotes Compose."""


class Uninterposable(UsageError):
    """The compose file holds something that cannot be put behind Toxiproxy."""


class FaultMisfit(UsageError):
    """A fault was requested on a component that it does not fit."""


class EnvironmentFailure(ChaoskitError):
    """The machine or the system under test is not in the state that a run needs."""


class EngineUnavailable(EnvironmentFailure):
    """No container engine answers."""


class ImageUnavailable(EnvironmentFailure):
    """An image is not on this engine and cannot be pulled from a registry."""


class StartFailed(EnvironmentFailure):
    """Compose could not start the system."""


class NotReady(EnvironmentFailure):
    """A condition did not come true within its limit."""


class JournalUnwritable(EnvironmentFailure):
    """The record of a run cannot be written (a full disk, no permission)."""


class HarnessFailure(ChaoskitError):
    """An instrument of chaoskit failed: no verdict can rest on it."""


class ToxiproxyFailure(HarnessFailure):
    """A call to Toxiproxy failed, or its state differs from what was asked for."""


class LoadFailure(HarnessFailure):
    """The load process died, or its measurements cannot be trusted."""


class RuntimeFailure(HarnessFailure):
    """A lifecycle call to the engine failed."""


class FaultFailure(ChaoskitError):
    """An injection went wrong."""


class NotLanded(FaultFailure):
    """No evidence shows that the fault is there."""


class NotLifted(FaultFailure):
    """No evidence shows that the fault is gone: the environment is poisoned."""


class UnexpectedVerdict(ChaoskitError, AssertionError):
    """The verdict of an experiment differs from the one that a test asserts."""


class PromiseBroken(UnexpectedVerdict):
    """A promise was broken, and chance is excluded."""


class VerdictUnknown(UnexpectedVerdict):
    """The evidence does not tell whether the promises were kept: neither a pass nor a breach.

    Args:
        what: the verdict table and the reasons.
        instrument: whether an instrument of the harness failed, so that the system under test is
            not the cause.
    """

    def __init__(self, what: str, *, instrument: bool = False) -> None:
        super().__init__(what)
        self.instrument = instrument
