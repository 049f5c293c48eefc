"""The flood of bots on a runtime in memory, with a scripted source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chaoskit import Chaos
from chaoskit.errors import FaultMisfit
from chaoskit.faults import BotFlood, Evidence
from chaoskit.faults.base import check
from chaoskit.faults.flood import sustained
from chaoskit.faults.flood.obligations import refused_cheaply
from chaoskit.flood import FloodPlan, Report
from chaoskit.judge import Verdict
from chaoskit.runtime.memory import MemoryRuntime
from chaoskit.runtime.scripted import Script
from chaoskit.system import Impact
from tests.simulation import Simulation, hardened

PLAN = FloodPlan(port=80, rate_per_s=1000, clients=50, seconds=300)


def answered(*statuses: int, **more: Any) -> Script:
    """A script: all requests are sent each second, and answered with these statuses in equal parts."""

    def second(plan: FloodPlan, number: int) -> Report:
        share = round(plan.rate_per_s) // len(statuses)
        counted = dict.fromkeys(statuses, share)
        return Report(
            seconds=1.0, sent=share * len(statuses), answered=counted, connections=plan.clients, **more
        )

    return second


REFUSED = answered(429)


def make(script: Script = REFUSED) -> MemoryRuntime:
    """A gateway in front of an API that publishes nothing."""
    runtime = MemoryRuntime(
        ["gateway", "api-1=api", "api-2=api", "db"],
        [
            ("outside", "gateway", 80),
            ("gateway", "api-1", 8000),
            ("gateway", "api-2", 8000),
            ("api-1", "db", 5432),
        ],
        entry="gateway:80",
    )
    runtime.start()
    runtime.flood_script = script
    return runtime


def test_a_flood_lands_after_its_first_whole_second_and_is_gone_after_the_lift() -> None:
    """The evidence comes from the source's reports, and nothing of the flood is left in the end."""
    runtime = make()
    fault = BotFlood("gateway", rate_per_s=1000)
    check(fault, runtime)
    injection = fault.inject(runtime)
    runtime.clock.sleep(0.9)
    assert not injection.landed().holds
    runtime.clock.sleep(0.2)
    assert injection.landed().holds
    assert "1,000 of 1,000 requests/s" in injection.landed().says
    assert injection.holding().holds
    assert not injection.gone().holds
    assert not injection.under_way()
    injection.lift()
    assert injection.gone().holds
    injection.lift()
    assert [step.action for step in fault.undo(runtime)] == ["disconnect"]


@pytest.mark.parametrize(
    ("report", "holds", "says"),
    [
        (Report(seconds=1.0, sent=1000, answered={429: 900, 200: 90}, unanswered=10), True, "429: 900"),
        (Report(seconds=1.0, sent=801, answered={200: 1}), True, "801 of 1,000"),
        (Report(seconds=1.0, sent=1000, closed=1000), True, "closed: 1,000"),
        (Report(seconds=1.0, sent=799, answered={200: 799}, held_back=201), False, "799 of 1,000"),
        (Report(seconds=2.0, sent=1000, answered={200: 1000}), False, "500 of 1,000"),
        (Report(seconds=1.0, sent=900), False, "no answers"),
        (Report(seconds=1.0, sent=90, answered={200: 40}, held_back=910, unanswered=50), True, "saturated"),
        (Report(seconds=1.0, sent=50, held_back=950), False, "50 of 1,000"),
        (Report(seconds=1.0, sent=50, held_back=749, unanswered=50), False, "50 of 1,000"),
        (Report(seconds=1.0, sent=50, failed_to_connect=950, unanswered=50), False, "no connection: 950"),
        (
            Report(seconds=1.0, sent=9, held_back=950, unanswered=9, connecting=41),
            True,
            "41 connections are not accepted",
        ),
        (Report(seconds=1.0, failed_to_connect=1000), False, "no connection: 1,000"),
        (Report(seconds=1.0, connecting=50), False, "0 of 1,000"),
        (Report(seconds=1.0, sent=1000, unreadable=1000), False, "are not HTTP"),
        (
            Report(seconds=1.0, sent=40, answered={200: 40}, unanswered=50, late=500),
            False,
            "too late for 500",
        ),
    ],
)
def test_a_second_is_judged_by_what_arrived(report: Report, holds: bool, says: str) -> None:
    """A second counts if its rate was sent and answered, or if nearly all clients wait for the entry."""
    seen = sustained(report, PLAN)
    assert seen.holds is holds, seen
    assert says in seen.says


def test_a_flood_that_fades_does_not_hold() -> None:
    """A flood that landed and then lost its rate does not hold at the end of the fault window."""
    strong = answered(200)
    runtime = make(lambda plan, second: strong(plan, second) if second < 2 else Report(seconds=1.0, sent=5))
    injection = BotFlood("gateway").inject(runtime)
    runtime.clock.sleep(3.5)
    assert injection.landed().holds
    assert not injection.holding().holds


def test_a_flood_with_its_own_time_runs_its_course() -> None:
    """The fault window lasts until the flood is over, and holds then; long afterwards it does not hold."""
    runtime = make()
    injection = BotFlood("gateway", seconds=20).inject(runtime)
    runtime.clock.sleep(19.0)
    assert injection.under_way()
    runtime.clock.sleep(1.05)
    assert not injection.under_way()
    assert injection.holding().holds
    runtime.clock.sleep(2.0)
    assert "ended before the fault window did: its time is over" in injection.holding().says


def test_a_source_that_falls_silent_does_not_hold() -> None:
    """Without a recent report nothing is known about the present."""
    runtime = make()
    injection = BotFlood("gateway").inject(runtime)
    runtime.clock.sleep(1.5)
    flood = injection._flood  # type: ignore[attr-defined]
    flood.silent_for = lambda: 3.0
    assert injection.holding() == Evidence(False, "the source has reported nothing for 3.0 s")


@pytest.mark.parametrize(
    ("total", "kept"),
    [
        (Report(seconds=9.0, sent=100, answered={429: 99, 200: 1}), True),
        (Report(seconds=9.0, sent=100, answered={403: 20, 200: 50}, closed=30), True),
        (Report(seconds=9.0, sent=100, answered={429: 49, 200: 51}), False),
        (Report(seconds=9.0, sent=100, answered={429: 99, 503: 1}), True),
        (Report(seconds=9.0, sent=100, answered={429: 98, 502: 2}), False),
        (Report(seconds=9.0, sent=100, answered={429: 98}, given_up=2), False),
        (Report(seconds=9.0, sent=100, answered={503: 100}), False),
        (Report(seconds=9.0, sent=100, reset=100), False),
        (Report(seconds=9.0, sent=100, unanswered=100), None),
        (None, None),
    ],
)
def test_a_flood_is_refused_cheaply(total: Report | None, kept: bool | None) -> None:
    """Half of the requests that ended are 429, 403 or closed, and at most 1% are 500 or more, or too late."""
    assert refused_cheaply(total, 0.5).kept is kept


def owed(runtime: MemoryRuntime, asked_per_s: Callable[[bool], float], **options: Any) -> dict[str, Any]:
    """The obligations after ten seconds of flood: name → kept.

    ``asked_per_s`` says how much the gateway sends over its links, without and with a flood.
    """
    meter = {"asked": 0.0}

    def count(before: float, after: float) -> None:
        meter["asked"] += (after - before) * asked_per_s("flood gateway" in runtime.log)

    runtime.clock.listen(count)
    runtime.asked = lambda links: (
        round(meter["asked"]) if {each.consumer for each in links} == {"gateway"} else 0
    )
    injection = BotFlood("gateway", rate_per_s=1000, **options).inject(runtime)
    runtime.clock.sleep(10.0)
    assert injection.obligations(0.0)[0].kept is None
    injection.lift()
    return {each.name: each.kept for each in injection.obligations(0.0)}


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        (lambda flooded: 100.0, True),
        (lambda flooded: 100.0 + 240.0 * flooded, True),
        (lambda flooded: 100.0 + 260.0 * flooded, False),
        (lambda flooded: 100.0 - 90.0 * flooded, True),
    ],
)
def test_what_gets_behind_the_entry_is_counted_beyond_what_users_cause(
    asked: Callable[[bool], float], kept: bool
) -> None:
    """A quarter of 1,000 requests a second may get past the gateway, on top of the users' own 100."""
    assert owed(make(), asked) == {"refused cheaply": True, "stopped at the entry": kept}


def test_only_what_is_asked_for_is_owed() -> None:
    """With None nothing is owed, and nothing is counted."""
    runtime = make(answered(200))
    assert owed(runtime, lambda flooded: 1e6, behind=None) == {"refused cheaply": False}
    assert "meter" not in runtime.log
    runtime = make()
    injection = BotFlood("gateway", refused=None, behind=None).inject(runtime)
    assert injection.obligations(0.0) == []


def test_an_obligation_that_cannot_be_counted_is_undecided() -> None:
    """A kernel without nf_tables costs this one obligation, and not the experiment."""
    runtime = make()
    runtime.refuses["meter"] = "no nf_tables"
    injection = BotFlood("gateway").inject(runtime)
    runtime.clock.sleep(3.0)
    injection.lift()
    refused, behind = injection.obligations(0.0)
    assert (refused.kept, behind.kept) == (True, None)
    assert "meter failed" in behind.says


def test_nothing_is_behind_an_entry_without_links() -> None:
    """A component that has no links stops everything."""
    runtime = make()
    injection = BotFlood("db:5432", refused=None).inject(runtime)
    injection.lift()
    (behind,) = injection.obligations(0.0)
    assert behind.kept
    assert "no links" in behind.says


def test_an_entry_whose_links_are_not_all_known_is_undecided() -> None:
    """A guest in an attached system sees no link without a Toxiproxy, and that proves nothing."""
    runtime = MemoryRuntime(["gateway"], entry="gateway:80")
    runtime.start()
    runtime.knows_all_links = False
    injection = BotFlood("gateway", refused=None).inject(runtime)
    injection.lift()
    (behind,) = injection.obligations(0.0)
    assert behind.kept is None
    assert "not all of its links are known" in behind.says
    assert "meter" not in runtime.log


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (BotFlood("gatway"), "there are gateway, api-1"),
        (BotFlood("gateway:81"), r"serves no port 81 \(its ports: 80\)"),
        (BotFlood("gateway:http"), "serves no port http"),
        (BotFlood("api"), "api-1, api-2; name one of them"),
        (BotFlood("api-1"), r"publishes no port \(its ports: 8000\); name one, as in 'api-1:80"),
        (BotFlood("gateway", rate_per_s=20_001), "rate_per_s is 20001; .* at most 20,000"),
        (BotFlood("gateway", rate_per_s=0), "above 0"),
        (BotFlood("gateway", rate_per_s=float("nan")), "rate_per_s is nan"),
        (BotFlood("gateway", clients=10_001), "at most 10,000"),
        (BotFlood("gateway", seconds=301), "at most 300"),
        (BotFlood("gateway", refused=1.5), "refused is 1.5"),
        (BotFlood("gateway", behind=-0.1), "behind is -0.1"),
        (BotFlood("gateway", path="listings"), "must begin with /"),
        (BotFlood("gateway", path="/a b\r\nX: y"), "have no blanks"),
        (BotFlood("gateway", method="get"), "'get'"),
        (BotFlood("gateway", identity="cookie"), "not one of address, header"),  # type: ignore[arg-type]
    ],
    ids=lambda value: value.name if isinstance(value, BotFlood) else "",
)
def test_a_misfit_is_refused_before_anything_happens(fault: BotFlood, says: str) -> None:
    """A flood that does not fit says why and what would fit, and sends nothing."""
    runtime = make()
    before = list(runtime.log)
    with pytest.raises(FaultMisfit, match=says):
        check(fault, runtime)
    assert runtime.log == before


def test_the_plan_is_what_was_asked_for() -> None:
    """All that a user may choose reaches the source; without a time the flood may last as long as it can."""
    chosen = BotFlood("api-1:8000", 500, 20, "/listings", "POST", 12.0, "header")
    expected = FloodPlan(
        port=8000,
        rate_per_s=500,
        clients=20,
        seconds=12.0,
        path="/listings",
        method="POST",
        identity="header",
    )
    assert chosen.plan(make()) == expected
    assert replace(chosen, seconds=None).plan(make()).seconds == 300


def test_users_who_notice_a_flood_break_the_verdict(tmp_path: Path) -> None:
    """A flood takes nothing away, so every journey owes its full SLO while it lasts."""
    assert BotFlood("gateway").impact(make()) == Impact()
    began: list[float] = []

    def noticing(journey: str, at: float, runtime: MemoryRuntime) -> tuple[float, bool]:
        if "flood api" not in runtime.log:
            return 0.02, True
        began.append(at)
        return (0.5 if at < began[0] + 6.0 else 0.02), True

    for answer, verdict in ((hardened, Verdict.HELD), (noticing, Verdict.BROKEN)):
        simulation = Simulation(answer, tmp_path)
        chaos = Chaos(simulation.environment, "flood", tmp_path)
        chaos.environment.runtime.flood_script = answered(429)  # type: ignore[attr-defined]
        conclusion = chaos.experiment(BotFlood("api"))
        assert conclusion.verdict is verdict
