"""The system's module: the journeys, and beside each figure where it comes from."""

from __future__ import annotations

from chaoskit.starter.code import WIDTH, comment, docstring, listed, quoted
from chaoskit.starter.model import Calm, Objective, Starter, Visit
from chaoskit.starter.objective import FACTOR, TIGHTEST

_UNMEASURED = Objective(availability=0.99, p95=TIGHTEST, degraded_p95=1.0, recovery=30)

_PROMISES = f"""The promises are looser than what was measured, so that everyday noise does not break
them: p95 is {FACTOR} times the measured one, rounded up, and never below {TIGHTEST:g} s; `degraded` allows
{FACTOR} times that again, and at least 1 s. Put in what your users really expect."""

_NEEDS = """`needs`: without these it may fail, and then recovers in time. `uses`: without these it
keeps `degraded`. This is a first guess, from the links that carried something: caches
and standbys are used, whatever else was reached is needed. The first run tells which of
it is true: what "survived" belongs into `uses`, and what is "coupled" is missing here."""


def declaration(starter: Starter) -> str:
    """The text of the module."""
    lines = [
        '"""What the users of this system do, and what they are promised.',
        "",
        f"Written by `chaoskit init` on {starter.date}, from one calm look with nothing at fault.",
        "It is yours now: every figure and every name is a first guess.",
        '"""',
        "",
        "from chaoskit import Slo, System, User, journey",
        "",
        *comment(_PROMISES),
        "#",
        *comment(_NEEDS),
    ]
    for visit in starter.visits:
        lines += ["", "", *_journey(visit)]
    lines += ["", ""]
    for each in starter.shut:
        lines += comment(f"No journey enters by {each.entry}: it {each.says}.")
    lines += _system(starter.compose, [visit.name for visit in starter.visits])
    return "\n".join(lines) + "\n"


def measured(calm: Calm, rate: float) -> str:
    """What was measured, in one sentence."""
    failed = "none failed" if not calm.failed else f"{calm.failed} failed ({calm.error})"
    return (
        f"Measured for {calm.seconds:g} s at {rate:g} a second: {calm.samples} requests, {failed}, "
        f"p50 {calm.p50 * 1000:.0f} ms, p95 {calm.p95 * 1000:.0f} ms."
    )


def _journey(visit: Visit) -> list[str]:
    door, promise = visit.door, visit.objective or _UNMEASURED
    lines = comment(f"{door.entry}: {door.says}. {measured(visit.calm, door.rate) if visit.calm else ''}")
    if visit.calm and visit.calm.failed:
        lines += comment("Requests failed with nothing at fault: look there first, and raise the promise.")
    lines += [
        "@journey(",
        f"    rate={door.rate},  # arrivals a second, few on purpose",
        f"    entry={quoted(door.entry)},",
        *listed("needs=", [quoted(each) for each in visit.needs], ",", "    "),
    ]
    if visit.uses:
        lines += listed("uses=", [quoted(each) for each in visit.uses], ",", "    ")
    return [
        *lines,
        f"    slo={_slo(promise.availability, promise.p95, promise.recovery)},",
        f"    degraded={_slo(promise.availability, promise.degraded_p95, promise.recovery)},",
        ")",
        f"async def {visit.name}(user: User) -> None:",
        *docstring(f"Somebody opens {door.path} at {door.service}.", "    "),
        *_get(door.path),
    ]


def _system(compose: str, journeys: list[str]) -> list[str]:
    line = f"system = System.from_compose({quoted(compose)}, journeys=[{', '.join(journeys)}])"
    if len(line) <= WIDTH:
        return [line]
    return [
        "system = System.from_compose(",
        f"    {quoted(compose)},",
        *listed("journeys=", journeys, ",", "    "),
        ")",
    ]


def _get(path: str) -> list[str]:
    line = f"    (await user.get({quoted(path)})).raise_for_status()"
    if len(line) <= WIDTH:
        return [line]
    return [
        "    answer = await user.get(",
        f"        {quoted(path)},",
        "    )",
        "    answer.raise_for_status()",
    ]


def _slo(availability: float, p95: float, recovery: int) -> str:
    return f"Slo(availability={availability:g}, p95={p95:g}, recovery={recovery})"
