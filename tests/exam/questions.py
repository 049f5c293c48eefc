"""The questions: how the examinee behaves at a path, what it promises there, and which verdict is true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from chaoskit.system import Slo

Truth = Literal["held", "broken", "unknown"]
Kind = Literal["visit", "order"]

FAULT_SECONDS = 5.0
"""How long the provider is cut off."""

FULL = Slo(availability=0.995, p95=0.3, recovery=3.0)
DEGRADED = Slo(availability=0.99, p95=0.8)
FAST = Slo(availability=0.995, p95=0.3, recovery=3.0, fails_within=1.0)


@dataclass(frozen=True, kw_only=True)
class Question:
    """One behaviour at one path.

    Attributes:
        name: the journey's name, and the path.
        says: the behaviour, in words.
        rules: the behaviour as rules for ``front.py``; the first rule that is active and fits the request
            counts.
        truth: the true verdict on the journey.
        promise: the promise that is truly broken, if there is one; several, separated by a slash, where
            each of them is a true answer.
        near: whether the truth is so close to the border that UNKNOWN is also right.
        recovers: seconds after the true lift at which the journey truly works again; ``None`` where that
            is not known to the millisecond.
        needs, uses, slo, degraded, rate: the journey's declaration.
        kind: what the users do: visit the page, or place an order and look it up again.
    """

    name: str
    says: str
    rules: Sequence[Mapping[str, Any]] = ()
    truth: Truth
    promise: str = ""
    near: bool = False
    recovers: float | None = None
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    slo: Slo = FULL
    degraded: Slo | None = None
    rate: float = 40.0
    kind: Kind = "visit"

    def allows(self, verdict: str) -> bool:
        """Whether a verdict is right: the true one, or UNKNOWN where the truth is too close to tell."""
        return verdict == self.truth or (self.near and verdict == "unknown")


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Questions that are asked in one experiment.

    Attributes:
        name: the name of the sheet.
        link: the link that is cut.
        questions: the questions of the sheet.
    """

    name: str
    link: str
    questions: tuple[Question, ...]


def out(until: float, share: float = 1.0, do: str = "fail", **more: Any) -> Mapping[str, Any]:
    """A rule that is active from the cut until ``until`` seconds after the lift."""
    return {"do": do, "begin": ("cut", 0.0), "end": ("lift", until), "share": share, **more}


def after(begin: float, end: float | None, do: str = "fail", **more: Any) -> Mapping[str, Any]:
    """A rule that is active from ``begin`` to ``end`` seconds after the lift, or for ever."""
    return {"do": do, "begin": ("lift", begin), "end": None if end is None else ("lift", end), **more}


def during(do: str, **more: Any) -> Mapping[str, Any]:
    """A rule that is active as long as the provider is cut off."""
    return {"do": do, "begin": ("cut", 0.0), "end": ("lift", 0.0), **more}


def needs(name: str, says: str, *rules: Mapping[str, Any], **more: Any) -> Question:
    """A question about a journey that may fail without the provider and must recover."""
    return Question(name=name, says=says, rules=rules, needs=("back",), **more)


def uses(name: str, says: str, *rules: Mapping[str, Any], **more: Any) -> Question:
    """A question about a journey that keeps its degraded SLO without the provider."""
    return Question(name=name, says=says, rules=rules, uses=("back",), **{"degraded": DEGRADED, **more})


def neither(name: str, says: str, *rules: Mapping[str, Any], **more: Any) -> Question:
    """A question about a journey that must not notice the fault."""
    return Question(name=name, says=says, rules=rules, **more)


RECOVERY = Sheet(
    name="recovery",
    link="front→back",
    questions=(
        needs("back_at_once", "well as soon as the provider is", out(0.0), truth="held", recovers=0.0),
        needs("back_in_time", "all fail until 1.5 s after the lift", out(1.5), truth="held", recovers=1.5),
        needs(
            "back_late",
            "all fail until 4.5 s after the lift",
            out(4.5),
            truth="broken",
            promise="recovery",
            recovers=4.5,
        ),
        needs(
            "back_on_the_edge",
            "all fail until 3.005 s after the lift",
            out(3.005),
            truth="broken",
            promise="recovery",
            near=True,
            recovers=3.005,
        ),
        needs(
            "half_late",
            "half of the users out until 4.2 s",
            out(4.2, 0.5),
            truth="broken",
            promise="recovery",
            recovers=4.2,
        ),
        needs(
            "fifth_in_time", "a fifth out until 1.8 s", out(1.8, 0.2), truth="held", near=True, recovers=1.8
        ),
        needs(
            "tenth_late",
            "a tenth out until 3.42 s",
            out(3.42, 0.1),
            truth="broken",
            promise="recovery",
            near=True,
            recovers=3.42,
        ),
        needs(
            "tenth_in_time", "a tenth out until 1.0 s", out(1.0, 0.1), truth="held", near=True, recovers=1.0
        ),
        needs(
            "few_for_ever",
            "2% fail for ever after the lift",
            out(0.0),
            after(0.0, None, share=0.02),
            truth="broken",
            promise="recovery",
            near=True,
        ),
        needs("never_back", "nothing works again", out(3600.0), truth="broken", promise="recovery"),
        needs(
            "relapse",
            "well at once, all fail again from 8 s to 10 s",
            out(0.0),
            after(8.0, 10.0),
            truth="broken",
            promise="stays recovered",
        ),
        needs(
            "early_relapse",
            "well at once, out again from 1 s to 2 s",
            out(0.0),
            after(1.0, 2.0),
            truth="held",
            recovers=2.0,
        ),
        needs(
            "one_stall",
            "well at once; one stall of 0.25 s, 4.86 s after the lift",
            out(0.0),
            after(4.86, 5.11, "slow", seconds=0.25, grow=-1.0),
            truth="held",
        ),
        needs(
            "slow_start",
            "answers in 1.5 s at the lift, and quicker by 0.5 s each second",
            out(0.0),
            after(0.0, 3.0, "slow", seconds=1.5, grow=-0.5),
            truth="held",
            near=True,
            recovers=2.4,
        ),
        needs(
            "slow_start_late",
            "answers in 3 s at the lift, and quicker by 0.5 s each second",
            out(0.0),
            after(0.0, 6.0, "slow", seconds=3.0, grow=-0.5),
            truth="broken",
            promise="recovery",
            recovers=5.4,
        ),
        needs(
            "creep",
            "well at the lift, and slower by 0.12 s each second from then on",
            out(0.0),
            after(0.0, None, "slow", grow=0.12),
            truth="broken",
            promise="recovery/stays recovered",
        ),
    ),
)

UNDER_THE_FAULT = Sheet(
    name="under the fault",
    link="front→back",
    questions=(
        needs(
            "fails_at_once", "fails in no time, one second is allowed", during("fail"), truth="held", slo=FAST
        ),
        needs(
            "fails_slowly",
            "fails after 2 s, one is allowed",
            during("fail", seconds=2.0),
            truth="broken",
            promise="fails fast",
            slo=FAST,
        ),
        needs(
            "hangs_then_works",
            "each request waits 3 s and then succeeds, one second is allowed",
            during("slow", seconds=3.0),
            truth="broken",
            promise="fails fast",
            slo=FAST,
        ),
        needs("survives", "needs the provider by its declaration, and not in truth", truth="held"),
        uses("degrades_well", "answers in 0.4 s, 0.8 s allowed", during("slow", seconds=0.4), truth="held"),
        uses(
            "degrades_badly",
            "answers in 1.2 s, 0.8 s allowed",
            during("slow", seconds=1.2),
            truth="broken",
            promise="degraded",
        ),
        uses(
            "no_fallback",
            "fails without what it only uses",
            during("fail"),
            truth="broken",
            promise="degraded",
        ),
        uses(
            "fallback_for_most",
            "3% fail without what it uses, 1% allowed",
            during("fail", share=0.03),
            truth="broken",
            promise="degraded",
            near=True,
        ),
        neither("steady", "notices nothing", truth="held"),
        neither(
            "at_half_its_budget",
            "0.25% fail always, 0.5% allowed",
            {"do": "fail", "share": 0.0025},
            truth="held",
        ),
        neither(
            "coupled",
            "fails with a provider that it does not need",
            during("fail"),
            truth="broken",
            promise="independence",
        ),
        neither(
            "coupled_for_some",
            "10% fail with a provider that it does not need",
            during("fail", share=0.1),
            truth="broken",
            promise="independence",
        ),
        neither(
            "coupled_for_new_connections",
            "new connections are dropped while the provider is away",
            during("drop", by="fresh"),
            truth="broken",
            promise="independence",
        ),
        neither(
            "coupled_in_one_instance",
            "one of three instances is slow while the provider is away",
            during("slow", seconds=1.0, share=0.33, by="request"),
            truth="broken",
            promise="independence",
        ),
        neither(
            "harmed_by_the_lift",
            "fails for a second from the lift on",
            after(0.0, 1.0),
            truth="broken",
            promise="independence",
        ),
    ),
)

ANSWERS = Sheet(
    name="answers",
    link="front→back",
    questions=(
        neither(
            "lies",
            "answers 200 with a body that says no",
            during("lie"),
            truth="broken",
            promise="independence",
        ),
        neither(
            "truncates",
            "announces more than it sends",
            during("truncate"),
            truth="broken",
            promise="independence",
        ),
        neither(
            "never_ends",
            "sends pieces of a body for ever",
            during("endless"),
            truth="broken",
            promise="independence",
        ),
        neither("hangs", "accepts and says nothing", during("hang"), truth="broken", promise="independence"),
        neither(
            "drops",
            "closes without an answer",
            during("drop", share=0.2),
            truth="broken",
            promise="independence",
        ),
        neither("orders", "keeps what it confirmed", truth="held", kind="order", rate=2.0),
        neither(
            "orders_late",
            "what it confirmed can be read 1 s later",
            during("late", seconds=1.0),
            truth="held",
            kind="order",
            rate=2.0,
        ),
        neither(
            "orders_lost",
            "confirms orders and keeps none while the provider is away",
            during("lose"),
            truth="broken",
            promise="ledger",
            kind="order",
            rate=2.0,
        ),
        neither(
            "orders_twice",
            "keeps each order twice while the provider is away",
            during("double"),
            truth="broken",
            promise="ledger",
            kind="order",
            rate=2.0,
        ),
        needs(
            "orders_denied",
            "does the writes and answers 500 while the provider is away",
            during("deny"),
            truth="held",
            kind="order",
            rate=2.0,
        ),
    ),
)

UNTRIED = Sheet(
    name="untried",
    link="front→idle",
    questions=(
        Question(
            name="not_exercised",
            says="the fault is on a link over which no request goes",
            needs=("idle",),
            truth="unknown",
        ),
    ),
)

SHEETS = (RECOVERY, UNDER_THE_FAULT, ANSWERS, UNTRIED)
