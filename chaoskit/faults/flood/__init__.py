"""Bots: many clients that send far more requests than the system was built for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar, get_args

from chaoskit.faults.base import Evidence, Fault, Injection, Obligation, targets, unknown
from chaoskit.faults.flood.obligations import RequestsBehind, answers, refused_cheaply
from chaoskit.flood import (
    MOST_CLIENTS,
    MOST_REQUESTS_PER_S,
    MOST_SECONDS,
    Flood,
    FloodPlan,
    Identity,
    Report,
)
from chaoskit.runtime import Runtime, Undo
from chaoskit.system import Impact
from chaoskit.system.names import matching_entries

_LEAST_RATE_SHARE = 0.8
"""The share of the rate that must be sent in a whole second, or held back by a saturated entry."""

_FRESH_SECONDS = 2.5
"""Seconds after which a report no longer says anything about the present."""

_EARLY_END_SECONDS = 1.0
"""Seconds by which a flood may end before the fault window does."""


@dataclass(frozen=True)
class BotFlood(Fault):
    """Bots send the entry far more requests than the system was built for.

    100,000 users: a site that is worth the trouble attracts bots, and without rate limits each of their
    requests costs as much as a customer's. Users must not notice: every journey keeps its full SLO.

    For example, ``BotFlood("gateway", rate_per_s=2000, clients=20, path="/listings?page=1")`` is a few bots
    that ask for all they can get, and that a limit for each client at the entry stops.
    ``BotFlood("gateway", rate_per_s=300, clients=600, path="/search?q=sword", behind=None)`` is many bots,
    each slow enough for the entry, that only the application can tell from users.

    The bots run in a container of their own that shares the entry's network namespace. So each bot can have
    an address of its own (in 127.0.0.0/8), and the flood does not pass over any link. An entry that trusts
    loopback addresses does not limit these bots, and a limit that only applies to addresses from outside is
    not tested.

    The system owes two obligations besides the journeys' promises. ``refused cheaply``: most of the flood is
    refused, and few of its requests fail. ``stopped at the entry``: little of it reaches what is behind the
    entry.

    Attributes:
        entry: the component or service that is flooded, with ``:port`` if it publishes several ports.
        rate_per_s: requests a second of all bots together, up to 20,000. A bot that still waits for an
            answer sends no further request.
        clients: how many bots there are, up to 10,000; each has a connection of its own.
        path, method: the path and the method of each request.
        seconds: how long the flood lasts, up to 300 s; the fault window then lasts at least that long. With
            ``None`` the flood lasts until the lift, but never longer than 300 s.
        identity: how the bots differ. ``address``: each has a source address of its own, and claims an
            address of its own in ``X-Forwarded-For``; ``header``: only the header differs, as behind a load
            balancer.
        refused: the share of requests that the system must refuse: by status 429 or 403, or by closing the
            connection without an answer. At most 1% may fail: by status 500 or more, or by no answer within
            2 s. With ``None`` it owes nothing.
        behind: the share of requests that may get past the entry, counted by what the entry sends over its
            links. With ``None`` it owes nothing: for floods that only the application can tell from users.
    """

    stage: ClassVar[str] = "100,000 users"
    evidence: ClassVar[str] = (
        "in one whole second the bots sent at least 80% of the rate over established connections, and the "
        "entry answered or closed some; or the entry is saturated: the missing requests are those of bots "
        "that still wait for an answer"
    )
    owes: ClassVar[str] = (
        "``refused cheaply``: the share ``refused`` of the requests is refused, and at most 1% fail; "
        "``stopped at the entry``: at most the share ``behind`` of them gets past the entry"
    )

    entry: str
    rate_per_s: float = 2000
    clients: int = 50
    path: str = "/"
    method: str = "GET"
    seconds: float | None = None
    identity: Identity = "address"
    refused: float | None = 0.5
    behind: float | None = 0.25

    def misfits(self, runtime: Runtime) -> list[str]:
        """One component with a port that it publishes, or that ``entry`` names; and a rate, a number of
        clients and a time within their limits.
        """
        reasons = []
        for name, value, most in (
            ("rate_per_s", self.rate_per_s, MOST_REQUESTS_PER_S),
            ("clients", self.clients, MOST_CLIENTS),
            ("seconds", self.seconds, MOST_SECONDS),
        ):
            if value is not None and not 0 < value <= most:
                reasons.append(f"{name} is {value:g}; it must be above 0 and at most {most:,.0f}")
        for name, share in (("refused", self.refused), ("behind", self.behind)):
            if share is not None and not 0 <= share <= 1:
                reasons.append(f"{name} is {share:g}; it must be a share from 0 to 1, or None")
        if not re.fullmatch(r"/[!-~]*", self.path):
            reasons.append(f"path is {self.path!r}; it must begin with / and have no blanks")
        if not re.fullmatch(r"[A-Z]+", self.method) or self.method == "CONNECT":
            reasons.append(f"method is {self.method!r}; it must be a method of HTTP such as GET")
        if self.identity not in get_args(Identity):
            reasons.append(f"identity={self.identity!r} is not one of {', '.join(get_args(Identity))}")
        found = self._find(runtime)
        return [*reasons, found] if isinstance(found, str) else reasons

    def _find(self, runtime: Runtime) -> tuple[str, int] | str:
        """The component and its port, or why they cannot be told."""
        name, colon, port = self.entry.partition(":")
        names = targets(name, runtime.components)
        if not names:
            return unknown(name, runtime.components)[0]
        if len(names) > 1:
            return f"{name!r} means {', '.join(names)}; name one of them"
        component = names[0]
        known = sorted(
            {
                int(entry.rpartition(":")[2])
                for entry in matching_entries(component, runtime.components, runtime.entries)
            }
        )
        served = sorted({*known, *runtime.ports(component)})
        there = ", ".join(map(str, served)) or "none"
        if colon:
            if port.isdigit() and int(port) in served:
                return component, int(port)
            return f"{component} serves no port {port} (its ports: {there})"
        if len(known) == 1:
            return component, known[0]
        how_many = "several ports" if known else "no port"
        return f"{component} publishes {how_many} (its ports: {there}); name one, as in '{component}:80'"

    def impact(self, runtime: Runtime) -> Impact:
        """Nothing: a flood takes no component away, so it excuses no journey."""
        return Impact()

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """Nothing has to be undone: the bots end with the harness's process, and their container with the
        run.
        """
        found = self._find(runtime)
        return () if isinstance(found, str) else (Undo("disconnect", found[0]),)

    def inject(self, runtime: Runtime) -> Injection:
        """Measure what the entry sends without a flood, then start the flood."""
        injection = _Flooding(self, runtime)
        injection.start()
        return injection

    def plan(self, runtime: Runtime) -> FloodPlan:
        """What the source of the flood is asked to do; the fault must fit."""
        found = self._find(runtime)
        assert not isinstance(found, str), found
        return FloodPlan(
            port=found[1],
            rate_per_s=self.rate_per_s,
            clients=self.clients,
            seconds=MOST_SECONDS if self.seconds is None else self.seconds,
            path=self.path,
            method=self.method,
            identity=self.identity,
        )

    def component(self, runtime: Runtime) -> str:
        """The component that is flooded; the fault must fit."""
        return targets(self.entry.partition(":")[0], runtime.components)[0]


class _Flooding(Injection):
    """The source of the flood, and the meter on the entry's links."""

    def __init__(self, fault: BotFlood, runtime: Runtime) -> None:
        self._fault, self._runtime = fault, runtime
        self._component, self._plan = fault.component(runtime), fault.plan(runtime)
        self._flood: Flood | None = None
        self._behind = RequestsBehind(runtime, self._component)

    def start(self) -> None:
        if self._fault.behind is not None:
            self._behind.start()
        self._flood = self._runtime.flood(self._component, self._plan)

    def under_way(self) -> bool:
        return self._fault.seconds is not None and self._flood is not None and not self._flood.ended()

    def landed(self) -> Evidence:
        """Whether the flood was sustained in at least one whole second; see :func:`sustained`."""
        if self._flood is None:
            return Evidence(False, "the flood has not begun")
        looks = [sustained(report, self._plan) for report in self._flood.reports()]
        if held := [look for look in looks if look.holds]:
            return held[-1]
        ended = self._flood.ended()
        says = looks[-1].says if looks else "the source has reported nothing yet"
        return Evidence(False, f"{says}; the flood has ended: {ended}" if ended else says)

    def holding(self) -> Evidence:
        """Whether the flood was sustained in the last whole second."""
        if self._flood is None or not self._flood.reports():
            return self.landed()
        last, ended, silent = self._flood.reports()[-1], self._flood.ended(), self._flood.silent_for()
        if ended and (self._fault.seconds is None or silent > _EARLY_END_SECONDS):
            return Evidence(False, f"the flood ended before the fault window did: {ended}")
        if silent > _FRESH_SECONDS:
            return Evidence(False, f"the source has reported nothing for {silent:.1f} s")
        return sustained(last, self._plan)

    def lift(self) -> None:
        if self._flood is not None:
            self._flood.stop()
        self._behind.stop()

    def gone(self) -> Evidence:
        if self._flood is None:
            return Evidence(True, "the flood never began")
        if not (ended := self._flood.ended()):
            return Evidence(False, "the source is still running")
        left = self._flood.left()
        return Evidence(not left, left or f"the flood has ended ({ended}), nothing of it is left")

    def obligations(self, since_lift: float) -> Sequence[Obligation]:
        total = self._flood.total() if self._flood is not None else None
        owed = []
        if self._fault.refused is not None:
            owed.append(refused_cheaply(total, self._fault.refused))
        if self._fault.behind is not None:
            owed.append(self._behind.obligation(total, self._fault.behind))
        return owed


def sustained(report: Report, plan: FloodPlan) -> Evidence:
    """Whether the flood in one second was what the plan asks, as far as the entry allowed it.

    An answer proves that a request arrived. An entry whose answers are too slow for the rate is saturated:
    the turns without a request belong to clients that were still waiting, and at the end of the second the
    entry has accepted connections that wait. Turns that the source was too late for, or that got no
    connection, prove nothing.
    """
    figures = {**asdict(report), "answered": {str(key): count for key, count in report.answered.items()}}
    per_s = report.sent / report.seconds
    seen = (
        f"{per_s:,.0f} of {plan.rate_per_s:,.0f} requests/s were sent by {plan.clients:,} clients, "
        f"{report.answers / report.seconds:,.0f}/s were answered ({answers(report)})"
    )
    if report.unreadable > report.answers:
        return Evidence(False, f"the answers at port {plan.port} are not HTTP: {seen}", figures)
    turns = plan.rate_per_s * report.seconds
    if report.late > (1 - _LEAST_RATE_SHARE) * turns:
        return Evidence(
            False, f"the source itself was too late for {report.late:,} requests: {seen}", figures
        )
    if per_s >= _LEAST_RATE_SHARE * plan.rate_per_s and report.answers + report.closed:
        return Evidence(True, seen, figures)
    if report.unanswered and report.sent + report.held_back >= _LEAST_RATE_SHARE * turns:
        waiting = f"in {report.held_back:,} of {turns:,.0f} turns a client still waited for an answer"
        if report.connecting:
            waiting += f", and {report.connecting:,} connections are not accepted yet"
        return Evidence(True, f"the entry is saturated: {waiting}; {seen}", figures)
    return Evidence(False, seen, figures)
