"""Bots: many clients that ask for far more than the system was built for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar, get_args

from chaoskit.faults.base import Evidence, Fault, Injection, Obligation, targets, unknown
from chaoskit.faults.flood.obligations import RequestsBehind, answers, refused_cheaply
from chaoskit.flood import MOST_CLIENTS, MOST_PER_S, MOST_SECONDS, Flood, FloodPlan, Identity, Report
from chaoskit.runtime import Runtime, Undo
from chaoskit.system import Impact
from chaoskit.system.names import matching_entries

_ENOUGH = 0.8
"""The share of the rate that must have been sent in a whole second, or held back by the entry."""

_FRESH = 2.5
"""Seconds after which a report says nothing any more about now."""

_AT_THE_END = 1.0
"""Seconds by which a flood may have ended before the fault window did."""


@dataclass(frozen=True)
class BotFlood(Fault):
    """Bots ask the entry for far more than the system was built for.

    100,000 users: whoever is worth the trouble meets bots, and without rate limits each of their
    requests costs as much as a customer's. Users must not notice: every journey keeps its full SLO.

    The source runs in a container of its own in the entry's network, so that each bot has an
    address there (127.0.0.0/8) and the flood takes none of the links. An entry that treats loopback
    as a friend does not limit it; what it refuses by an address from outside is not seen.

    Attributes:
        entry: the component or service that is flooded, with ``:port`` where it publishes several.
        rate_per_s: requests in a second, of all bots together; up to 20,000. A bot whose last
            request has no answer yet does not send another one.
        clients: how many bots there are, up to 10,000.
        path, method: of each request.
        seconds: how long it lasts; the fault window is then at least that long. ``None`` until the
            lift. Never more than 300.
        identity: how bots differ: by ``address``, or by ``header`` (``X-Forwarded-For``) only.
        refused: the share of requests that must be refused (429, 403, or closed without an
            answer), while at most 1% fail (500 or more, no answer within 2 s). ``None`` asks
            nothing.
        behind: the share of requests that may get behind the entry, by what it asks over its links.
            ``None`` asks nothing: for floods that only the application can tell from users.
    """

    stage: ClassVar[str] = "100,000 users"
    evidence: ClassVar[str] = (
        "in one whole second the rate was kept up on established connections, and arrived; or most of the "
        "clients wait for an answer, where the entry is saturated"
    )
    owes: ClassVar[str] = (
        "``refused cheaply``: ``refused`` of the requests are turned away, and at most 1% fail; "
        "``stopped at the entry``: no more than ``behind`` of them are asked for behind it"
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
        """It fits one component with a port, within the limits of a source."""
        reasons = []
        for name, value, most in (
            ("rate_per_s", self.rate_per_s, MOST_PER_S),
            ("clients", self.clients, MOST_CLIENTS),
            ("seconds", self.seconds, MOST_SECONDS),
        ):
            if value is not None and not 0 < value <= most:
                reasons.append(f"{name} is {value:g}; it must be above 0 and at most {most:,.0f}")
        for name, share in (("refused", self.refused), ("behind", self.behind)):
            if share is not None and not 0 <= share <= 1:
                reasons.append(f"{name} is {share:g}; it is a share, from 0 to 1, or None")
        if not re.fullmatch(r"/[!-~]*", self.path):
            reasons.append(f"path is {self.path!r}; it must begin with / and have no blanks, as in a request")
        if not re.fullmatch(r"[A-Z]+", self.method) or self.method == "CONNECT":
            reasons.append(f"method is {self.method!r}; it must be one of HTTP, as in GET")
        if self.identity not in get_args(Identity):
            reasons.append(f"identity={self.identity!r} is none of {', '.join(get_args(Identity))}")
        found = self._find(runtime)
        return [*reasons, found] if isinstance(found, str) else reasons

    def _find(self, runtime: Runtime) -> tuple[str, int] | str:
        """The component and its port, or why there is none."""
        name, colon, port = self.entry.partition(":")
        names = targets(name, runtime.components)
        if not names:
            return unknown(name, runtime.components)[0]
        if len(names) > 1:
            return f"{name!r} means {', '.join(names)}; name one of them"
        component = names[0]
        known = sorted(
            {
                int(door.rpartition(":")[2])
                for door in matching_entries(component, runtime.components, runtime.entries)
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
        """None: a flood is no excuse."""
        return Impact()

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """It ends by itself: the source with this process, and its container with the run."""
        found = self._find(runtime)
        return () if isinstance(found, str) else (Undo("disconnect", found[0]),)

    def inject(self, runtime: Runtime) -> Injection:
        """Look what the entry asks anyhow, then begin."""
        injection = _Flooding(self, runtime)
        injection.start()
        return injection

    def plan(self, runtime: Runtime) -> FloodPlan:
        """What is asked of the source; the fault must fit."""
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
        """Whom it floods; the fault must fit."""
        return targets(self.entry.partition(":")[0], runtime.components)[0]


class _Flooding(Injection):
    """The source, and the meter on the entry's links."""

    def __init__(self, fault: BotFlood, runtime: Runtime) -> None:
        self._fault, self._runtime = fault, runtime
        self._component, self._plan = fault.component(runtime), fault.plan(runtime)
        self._flood: Flood | None = None
        self._behind = RequestsBehind(runtime, self._component)

    def start(self) -> None:
        if self._fault.behind is not None:
            self._behind.begin()
        self._flood = self._runtime.flood(self._component, self._plan)

    def under_way(self) -> bool:
        return self._fault.seconds is not None and self._flood is not None and not self._flood.ended()

    def landed(self) -> Evidence:
        """In one whole second the rate was kept up on established connections, and arrived."""
        if self._flood is None:
            return Evidence(False, "the flood has not begun")
        looks = [sustained(report, self._plan) for report in self._flood.reports()]
        if held := [look for look in looks if look.holds]:
            return held[-1]
        ended = self._flood.ended()
        says = looks[-1].says if looks else "the source has told nothing yet"
        return Evidence(False, f"{says}; the flood has ended: {ended}" if ended else says)

    def holding(self) -> Evidence:
        """The same in the last second, which is over only now."""
        if self._flood is None or not self._flood.reports():
            return self.landed()
        last, ended, silent = self._flood.reports()[-1], self._flood.ended(), self._flood.silent_for()
        if ended and (self._fault.seconds is None or silent > _AT_THE_END):
            return Evidence(False, f"the flood ended before the fault window did: {ended}")
        if silent > _FRESH:
            return Evidence(False, f"the source has told nothing for {silent:.1f} s")
        return sustained(last, self._plan)

    def lift(self) -> None:
        if self._flood is not None:
            self._flood.stop()
        self._behind.end()

    def gone(self) -> Evidence:
        if self._flood is None:
            return Evidence(True, "no flood was begun")
        if not (ended := self._flood.ended()):
            return Evidence(False, "the source has not ended")
        left = self._flood.left()
        return Evidence(not left, left or f"the flood has ended ({ended}), nothing of it is left")

    def obligations(self, since_lift: float) -> Sequence[Obligation]:
        total = self._flood.total() if self._flood is not None else None
        made = []
        if self._fault.refused is not None:
            made.append(refused_cheaply(total, self._fault.refused))
        if self._fault.behind is not None:
            made.append(self._behind.promise(total, self._fault.behind))
        return made


def sustained(report: Report, plan: FloodPlan) -> Evidence:
    """Whether a second of a flood was what the plan asks, as far as the entry let it be.

    An answer proves that a request arrived. An entry whose answers are too slow for the rate is
    saturated: the turns that were not sent belong to clients that still waited, all through the
    second and on connections that it has accepted at its end. Turns that the source came too late
    for, or that met no connection, prove nothing.
    """
    figures = {**asdict(report), "answered": {str(key): count for key, count in report.answered.items()}}
    per_s = report.sent / report.seconds
    seen = (
        f"{per_s:,.0f} of {plan.rate_per_s:,.0f} requests/s were sent by {plan.clients:,} clients, "
        f"{report.answers / report.seconds:,.0f}/s were answered ({answers(report)})"
    )
    if report.unreadable > report.answers:
        return Evidence(False, f"what answers at port {plan.port} does not speak HTTP: {seen}", figures)
    turns = plan.rate_per_s * report.seconds
    if report.late > (1 - _ENOUGH) * turns:
        return Evidence(
            False, f"the source itself came too late for {report.late:,} requests: {seen}", figures
        )
    if per_s >= _ENOUGH * plan.rate_per_s and report.answers + report.closed:
        return Evidence(True, seen, figures)
    if report.unanswered and report.sent + report.held_back >= _ENOUGH * turns:
        waiting = f"clients still waited in {report.held_back:,} of {turns:,.0f} turns"
        if report.connecting:
            waiting += f", {report.connecting:,} are not accepted"
        return Evidence(True, f"the entry is saturated, {waiting}: {seen}", figures)
    return Evidence(False, seen, figures)
