"""Nothing acknowledged is lost: what became of the acknowledgements that users got."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from chaoskit.judge.verdict import Figure, Finding, Verdict
from chaoskit.record.history import Acknowledgement, Check

_MOST_NAMES = 5
"""How many acknowledgements a reason names at most; the record has all of them."""


def judge_ledger(
    journey: str,
    acknowledgements: Iterable[Acknowledgement],
    checks: Iterable[Check],
    successes: int,
    landed: float | None,
) -> list[Finding]:
    """Judge the acknowledgements of one journey.

    One lost acknowledgement breaks the promise: there is no budget for lost orders. One that could not be
    checked makes it UNKNOWN. A request that ended without an answer was not acknowledged and is not judged:
    it may or may not have taken effect.

    Args:
        journey: its name.
        acknowledgements: the acknowledgements of this journey.
        checks: the checks of all journeys.
        successes: how many of the journey's requests succeeded.
        landed: when the fault landed; ``None`` if it did not.

    Returns:
        One finding on the ledger, and another one if something was acknowledged twice; none for a journey
        without acknowledgements and without successes.
    """
    given: dict[tuple[str, str], list[float]] = defaultdict(list)
    for each in acknowledgements:
        given[each.kind, each.id].append(each.at)
    if not given:
        if not successes:
            return []
        reason = f"{successes} requests succeeded and acknowledged nothing, so nothing could be checked"
        return [Finding(journey, "ledger", Verdict.UNKNOWN, reason, {"acknowledged": 0})]
    results: dict[tuple[str, str], list[Check]] = defaultdict(list)
    for check in checks:
        results[check.kind, check.id].append(check)
    lost = sorted(key for key in given if any(check.kept is False for check in results.get(key, ())))
    kept = {key for key in given if any(check.kept for check in results.get(key, ()))}.difference(lost)
    open_ = sorted(key for key in given if key in results and key not in kept and key not in set(lost))
    unchecked = sorted(key for key in given if key not in results)
    twice = sorted(key for key, times in given.items() if len(set(times)) > 1)
    figures: dict[str, Figure] = {
        "acknowledged": len(given),
        "kept": len(kept),
        "broken": len(lost),
        "unknown": len(open_),
        "unchecked": len(unchecked),
        "twice": len(twice),
    }
    findings = [_finding(journey, given, results, lost, open_, unchecked, figures, landed)]
    if twice:
        reason = (
            f"{len(twice)} of {len(given)} things were acknowledged more than once: {_names(twice)}; "
            "either two users got the same one, or the journey acknowledged one twice"
        )
        findings.append(Finding(journey, "ledger", Verdict.UNKNOWN, reason, figures))
    return findings


def _finding(
    journey: str,
    given: dict[tuple[str, str], list[float]],
    results: dict[tuple[str, str], list[Check]],
    lost: Sequence[tuple[str, str]],
    open_: Sequence[tuple[str, str]],
    unchecked: Sequence[tuple[str, str]],
    figures: dict[str, Figure],
    landed: float | None,
) -> Finding:
    total = len(given)
    if lost:
        first = min(lost, key=lambda key: (min(given[key]), key))
        error = next((check.error for check in results[first] if check.kept is False and check.error), "")
        reason = f"{len(lost)} of {total} acknowledgements are lost: {_names(lost)}" + (
            f": {error}" if error else ""
        )
        at = None if landed is None else min(given[first]) - landed
        return Finding(journey, "ledger", Verdict.BROKEN, reason, figures, at)
    if not open_ and not unchecked:
        return Finding(journey, "ledger", Verdict.HELD, f"all {total} acknowledgements are kept", figures)
    clauses = []
    if open_:
        error = next((check.error for check in results[open_[0]] if check.error), "")
        told = f"{len(open_)} of {total} acknowledgements could not be checked: {_names(open_)}"
        clauses.append(told + (f": {error}" if error else ""))
    if unchecked:
        clauses.append(f"{len(unchecked)} of {total} acknowledgements were not checked: {_names(unchecked)}")
    return Finding(journey, "ledger", Verdict.UNKNOWN, "; ".join(clauses), figures)


def _names(keys: Sequence[tuple[str, str]]) -> str:
    named = ", ".join(f"{kind} {id_}" for kind, id_ in keys[:_MOST_NAMES])
    return named + (", …" if len(keys) > _MOST_NAMES else "")
