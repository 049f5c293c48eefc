"""Whether users still see their own writes and earlier reads: a replica that lags may hide them.

Both guarantees come from D. B. Terry, A. J. Demers, K. Petersen, M. J. Spreitzer, M. M. Theimer
and B. B. Welch, "Session guarantees for weakly consistent replicated data", *Proceedings of the
Third International Conference on Parallel and Distributed Information Systems* (PDIS), 1994. A
session is a user of a journey.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from chaoskit.judge.verdict import Figure, Finding, Verdict
from chaoskit.record.history import Access


@dataclass(frozen=True, slots=True)
class _Read:
    """A read that can be compared: what it showed, and the version that the user wrote or read before."""

    access: Access
    before: int

    @property
    def stale(self) -> bool:
        shown = self.access.version
        return shown is None or shown < self.before


@dataclass(slots=True)
class _Guarantee:
    """One of the two guarantees, and the reads by which it can be judged."""

    promise: str
    verb: str
    reads: list[_Read] = field(default_factory=list)
    known: dict[tuple[int, str, str], int] = field(default_factory=dict)

    def compare(self, access: Access) -> None:
        """Compare a read with the version that its user is known to have written or read."""
        before = self.known.get((access.user, access.kind, access.id))
        if before is not None:
            self.reads.append(_Read(access, before))

    def learn(self, access: Access) -> None:
        """From here on, a read shows at least this."""
        key = access.user, access.kind, access.id
        if access.version is not None:
            self.known[key] = max(access.version, self.known.get(key, access.version))


def judge_consistency(
    journey: str, accesses: Iterable[Access], injected: float | None, landed: float | None
) -> list[Finding]:
    """Judge what the users of one journey were shown.

    *Read your writes*: a read shows at least what its user wrote before. *Monotonic reads*: a read
    shows at least what its user read before. One read that shows less breaks the promise: there is
    no budget for it, whatever else the fault allows the journey. If a read showed less before anything
    was injected, its guarantee is UNKNOWN: data that is stale anyway says nothing about a fault.

    Args:
        journey: its name.
        accesses: the accesses of this journey; those of each user in the order of the calls.
        injected: when the injection began; ``None`` without an injection.
        landed: when the fault landed; ``None`` if it did not.

    Returns:
        A finding for each guarantee with a read that can be compared; none for a journey that recorded no
        access. A journey whose users only wrote gets an UNKNOWN finding, since nothing could be checked.
    """
    writes, seen = _Guarantee("read your writes", "wrote"), _Guarantee("monotonic reads", "read")
    for access in accesses:
        if access.wrote:
            writes.learn(access)
        else:
            writes.compare(access)
            seen.compare(access)
            seen.learn(access)
    found = [_finding(journey, each, injected, landed) for each in (writes, seen) if each.reads]
    if writes.known and not writes.reads:
        reason = f"users wrote {len(writes.known)} things and read none of them afterwards: nothing to check"
        found.insert(0, Finding(journey, writes.promise, Verdict.UNKNOWN, reason, {"reads": 0}))
    return found


def _finding(journey: str, guarantee: _Guarantee, injected: float | None, landed: float | None) -> Finding:
    reads = guarantee.reads
    stale = [each for each in reads if each.stale]
    early = [each for each in stale if injected is None or each.access.at < injected]
    figures: dict[str, Figure] = {
        "violations": len(stale),
        "before_injection": len(early),
        "reads": len(reads),
        "users": _users(reads),
        "users_affected": _users(stale),
    }

    def found(verdict: Verdict, reason: str, at: float | None = None) -> Finding:
        return Finding(journey, guarantee.promise, verdict, reason, figures, at)

    owed = f"than the user {'had written' if guarantee.verb == 'wrote' else 'had read'} before"
    if early:
        first = min(early, key=lambda each: each.access.at)
        when = "" if injected is None else f", {injected - first.access.at:.3g} s before the injection"
        return found(
            Verdict.UNKNOWN,
            f"not in steady state: {len(early)} of {len(reads)} reads showed less {owed} before "
            f"anything was injected; first: {_says(first, guarantee)}{when}",
        )
    if stale:
        first = min(stale, key=lambda each: each.access.at)
        at = None if landed is None else first.access.at - landed
        return found(
            Verdict.BROKEN,
            f"{len(stale)} of {len(reads)} reads by {figures['users_affected']} of {figures['users']} users "
            f"showed less {owed}; first: {_says(first, guarantee)}, {_when(first.access.at, injected, at)}",
            at,
        )
    since, after = (injected, "the injection") if landed is None else (landed, "the fault landed")
    late = [each for each in reads if since is not None and each.access.at >= since]
    if not late:
        return found(
            Verdict.UNKNOWN, f"none of the {len(reads)} reads that could be compared came after {after}"
        )
    return found(
        Verdict.HELD,
        f"none of {len(reads)} reads by {figures['users']} users showed less {owed}; {len(late)} of them "
        f"came after {after}",
    )


def _says(read: _Read, guarantee: _Guarantee) -> str:
    access = read.access
    shown = "did not find it" if access.version is None else f"read version {access.version}"
    before = f"{guarantee.verb} version {read.before} of {access.kind} {access.id}"
    return f"user {access.user} {before}, then {shown}"


def _when(moment: float, injected: float | None, at: float | None) -> str:
    if at is None:
        return f"{moment - (injected or 0.0):.3g} s after the injection"
    return f"{abs(at):.3g} s {'after' if at >= 0 else 'before'} the fault landed"


def _users(reads: Sequence[_Read]) -> int:
    return len({each.access.user for each in reads})
