"""The pipe between the harness and the load process: one JSON value a line.

An array is a batch of entries for the history, each of which starts with its letter. An object is a
message, and its ``say`` tells which. The lines are text, so that people can read a recording; floats
survive that exactly.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from chaoskit.load.source import FunctionPlace, JourneyPlan
from chaoskit.record.history import Access, Acknowledgement, Check, Mark, Outcome, Sample
from chaoskit.system.arrivals import Course, Pattern

Entry = Sample | Mark | Acknowledgement | Check | Access


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The first message to the load process: everything it needs to get ready.

    Attributes:
        plans: the journeys.
        entries: journey → base URL.
        seed: the run's seed.
        pattern: how users arrive; ``None`` means as each journey declares.
        max_in_flight: the most runs in flight, of all journeys together.
        max_duration: seconds after which the process ends itself, whatever happens.
        allowed_hosts: hosts, apart from this machine, that requests may go to.
        share: (k, n): this is load process k of n. It drives those arrivals of each journey whose number
            modulo n is k.
    """

    plans: tuple[JourneyPlan, ...]
    entries: Mapping[str, str]
    seed: int
    pattern: Pattern | None
    max_in_flight: int
    max_duration: float
    allowed_hosts: tuple[str, ...] = ()
    share: tuple[int, int] = (0, 1)


def encode_setup(setup: Setup) -> bytes:
    """The setup as one line."""
    return _line(asdict(setup))


def decode_setup(line: bytes) -> Setup:
    """The setup that :func:`encode_setup` was given."""
    raw = json.loads(line)
    plans = tuple(
        JourneyPlan(
            **{
                **plan,
                "run": FunctionPlace(**plan["run"]),
                "verify": FunctionPlace(**plan["verify"]) if plan["verify"] else None,
                "course": Course(tuple((at, factor) for at, factor in plan["course"]["knots"])),
            }
        )
        for plan in raw["plans"]
    )
    return Setup(
        **{**raw, "plans": plans, "allowed_hosts": tuple(raw["allowed_hosts"]), "share": tuple(raw["share"])}
    )


def encode_message(say: str, /, **content: Any) -> bytes:
    """A message as one line; its content must be JSON-able."""
    return _line({"say": say, **content})


def encode_entries(entries: Iterable[Entry]) -> bytes:
    """A batch of entries as one line."""
    return _line([_pack(entry) for entry in entries])


def decode(line: bytes) -> dict[str, Any] | list[Entry]:
    """A message, or the entries of a batch.

    Raises:
        ValueError: the line is neither.
    """
    value = json.loads(line)
    if isinstance(value, dict) and isinstance(value.get("say"), str):
        return value
    if isinstance(value, list):
        return [_unpack(*packed) for packed in value]
    raise ValueError(f"not a line of this protocol: {line[:80]!r}")


def _line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"


def _pack(entry: Entry) -> list[Any]:
    match entry:
        case Sample():
            return [
                "s",
                entry.journey,
                entry.intended,
                entry.started,
                entry.ended,
                entry.outcome.value,
                entry.error,
            ]
        case Acknowledgement():
            return ["a", entry.journey, entry.kind, entry.id, entry.at]
        case Check():
            return ["c", entry.kind, entry.id, entry.kept, entry.error]
        case Access():
            return [
                "v",
                entry.journey,
                entry.user,
                entry.kind,
                entry.id,
                entry.wrote,
                entry.version,
                entry.at,
            ]
        case Mark():
            return ["m", entry.name, entry.at, dict(entry.detail)]


def _unpack(letter: str, *fields: Any) -> Entry:
    match letter:
        case "s":
            journey, intended, started, ended, outcome, error = fields
            return Sample(journey, intended, started, ended, Outcome(outcome), error)
        case "a":
            return Acknowledgement(*fields)
        case "c":
            return Check(*fields)
        case "v":
            return Access(*fields)
        case "m":
            return Mark(*fields)
    raise ValueError(f"no entry starts with {letter!r}")
