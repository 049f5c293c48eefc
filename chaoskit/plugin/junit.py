"""The properties of an experiment in the JUnit XML of its test: fault, verdicts, recovery times."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaoskit.chaos import Conclusion


def properties_of(conclusion: Conclusion) -> list[tuple[str, object]]:
    """The properties as (name, value) pairs, in the order of the journeys.

    The recovery of a journey is in seconds; a journey without a measured recovery has no such property.
    """
    result = conclusion.result
    found: list[tuple[str, object]] = [
        ("chaos.fault", result.fault),
        ("chaos.verdict", result.verdict.name),
        ("chaos.journal", str(result.journal)),
    ]
    for journey in result.judgement.journeys:
        found.append((f"chaos.{journey.journey}.verdict", journey.verdict.name))
        if journey.recovery is not None and journey.recovery.seconds is not None:
            found.append((f"chaos.{journey.journey}.recovery_seconds", round(journey.recovery.seconds, 3)))
    return found
