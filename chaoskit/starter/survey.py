"""Looks at the running system, and puts the starter together from what it sees.

This includes what each journey needs and uses, as far as one look can tell, and whether a primary is
written to while the journeys run, without which its standby cannot lag.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from chaoskit.clients import postgres, standby
from chaoskit.clients.postgres import Credentials, PostgresRefused
from chaoskit.errors import UsageError
from chaoskit.faults.replication.pairs import Pair, pair_of
from chaoskit.runtime import Runtime
from chaoskit.starter import choice
from chaoskit.starter.calm import measure
from chaoskit.starter.choice import Kind, Known
from chaoskit.starter.entries import Tell, find, named, of_service
from chaoskit.starter.model import Calm, Starter, StarterTrial, UnusedEntry, Visit
from chaoskit.starter.objective import objective, steady
from chaoskit.system import Component, Link

LEAST_GROWTHS = 3
"""Looks that must find something newly written: now and then a checkpoint or a vacuum writes, too."""


def reached(entry: str, links: Iterable[Link]) -> tuple[str, ...]:
    """The components behind an entry, its own first, then all that links lead to from there.

    Args:
        entry: the component that the entry belongs to.
        links: the links that were used.
    """
    ways: dict[str, list[str]] = {}
    for link in links:
        ways.setdefault(link.consumer, []).append(link.provider)
    found = [entry]
    for consumer in found:  # the list grows during the loop
        found += sorted(set(ways.get(consumer, ())) - set(found))
    return tuple(found)


def divided(services: Iterable[str], spare: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A first guess at (needs, uses). Services that only make others faster, caches and standbys, are
    used. All others that were reached are needed.

    Args:
        services: those that were reached, first the entry's, which is needed in any case.
        spare: the services that a journey should be able to do without.
    """
    ordered = tuple(dict.fromkeys(services))
    uses = tuple(each for each in ordered[1:] if each in spare)
    return tuple(each for each in ordered if each not in uses), uses


class Writes:
    """Watches how far the primary of one standby has written.

    Args:
        replica: the standby.
        runtime: where both run.
    """

    def __init__(self, replica: str, runtime: Runtime) -> None:
        self._runtime = runtime
        found = pair_of(replica, None, Credentials(), runtime)
        self._primary = found.primary if isinstance(found, Pair) else None
        self._last: int | None = None
        self._grown = 0

    def look(self) -> None:
        """Look once. A server that does not answer now counts as no growth."""
        if self._primary is None:
            return
        with (
            contextlib.suppress(PostgresRefused),
            postgres.session(self._runtime, self._primary, Credentials(), "chaoskit-look") as session,
        ):
            now = standby.written(session)
            self._grown += self._last is not None and now > self._last
            self._last = now

    @property
    def steady(self) -> bool:
        """Whether the primary was written to repeatedly."""
        return self._grown >= LEAST_GROWTHS


class UsedLinks(Runtime, Protocol):
    """A runtime that can tell which links were used."""

    def used_links(self) -> tuple[Link, ...]:
        """The links that carried a byte or have a connection open now."""
        ...


def survey(
    runtime: UsedLinks,
    config: Mapping[str, Any],
    *,
    compose: str,
    date: str,
    seconds: float,
    ready_after: float,
    paths: Sequence[str] = (),
    tell: Tell = lambda line: None,
) -> Starter:
    """The starter for a system that is up, with nothing at fault.

    Args:
        runtime: where it runs.
        config: what ``docker compose config`` says.
        compose, date: see :class:`Starter`.
        seconds: how long the journeys are measured.
        ready_after: seconds that the system took to be ready.
        paths: paths that the user names, asked for first.
        tell: takes progress, a line at a time.

    Raises:
        UsageError: no entry answers HTTP with success, so there is no journey.
    """
    lasting, idle = _lasting(runtime)
    known = [
        choice.look(each.name, each.service, runtime.ports(each.name), lambda fault: fault.misfits(runtime))
        for each in lasting
    ]
    usable, unused = find(runtime, known, config, paths, tell)
    if not usable:
        raise _no_journey(compose, unused)
    visits = tuple(Visit(name=name, entry=entry) for name, entry in named(usable))
    starter = Starter(compose=compose, date=date, visits=visits, unused=tuple(unused), idle=idle)
    tell(f"measuring {', '.join(each.name for each in visits)} for {seconds:g} s with nothing at fault")
    writes = {each.component: Writes(each.component, runtime) for each in known if each.kind is Kind.STANDBY}

    def look() -> None:
        for each in writes.values():
            each.look()

    addresses = {of_service(entry, runtime): at for entry, at in reversed(tuple(runtime.entries.items()))}
    starter = measure(starter, addresses, seconds, runtime.clock, look=look, tell=tell)
    measured = {visit.name: visit.calm for visit in starter.visits if visit.calm is not None}
    spare = {each.service for each in known if each.kind in (Kind.REDIS, Kind.STANDBY)}
    unused += [
        UnusedEntry(visit.entry.name, _unsteady(calm))
        for visit in starter.visits
        if not steady(calm := measured[visit.name])
    ]
    visits = tuple(
        replace(
            visit,
            calm=measured[visit.name],
            objective=objective(measured[visit.name], ready_after),
            needs=needs,
            uses=uses,
        )
        for visit in starter.visits
        if steady(measured[visit.name])
        for needs, uses in (_reach(visit, runtime, spare),)
    )
    if not visits:
        raise _no_journey(compose, unused)
    return replace(
        starter,
        visits=visits,
        unused=tuple(unused),
        trials=_trials(known, visits, runtime, {name for name, each in writes.items() if each.steady}),
    )


def _no_journey(compose: str, unused: Sequence[UnusedEntry]) -> UsageError:
    return UsageError(
        "no entry answers HTTP with success, so no journey can be written",
        where=compose,
        evidence="\n".join(f"{each.name} {each.says}" for each in unused),
        remedy="name a path that answers: --path /some/page. For another protocol, write the journey "
        "yourself. Nothing was written",
    )


def _unsteady(calm: Calm) -> str:
    return f"failed {calm.failed} of {calm.samples} requests with nothing at fault ({calm.error})"


def _lasting(runtime: Runtime) -> tuple[list[Component], tuple[tuple[str, str], ...]]:
    """One component of each service that stays up, and the services that do not."""
    lasting, idle = [], []
    for component in runtime.components:
        if component.index > 1:
            continue
        state = runtime.state(component.name)
        if state.status == "exited":
            idle.append((component.service, f"it exited with code {state.exit_code}"))
        else:
            lasting.append(component)
    return lasting, tuple(idle)


def _reach(
    visit: Visit, runtime: UsedLinks, spare: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    services = {each.name: each.service for each in runtime.components}
    links = [link for link in runtime.used_links() if {link.consumer, link.provider} <= set(services)]
    entries = [name for name, service in services.items() if service == visit.entry.service]
    found = [services[name] for entry in entries for name in reached(entry, links)]
    return divided([visit.entry.service, *found], spare)


def _trials(
    known: Sequence[Known], visits: Sequence[Visit], runtime: Runtime, written: Collection[str]
) -> tuple[StarterTrial, ...]:
    replicas = Counter(each.service for each in runtime.components)
    found = [
        trial
        for each in known
        for trial in choice.trials(
            each,
            visits,
            written=each.component in written,
            sharing=bool(runtime.sharing(each.component)),
            replicas=replicas[each.service],
        )
    ]
    found += [choice.flood(visit.entry) for visit in visits]
    found.sort(key=lambda trial: (_users_of(trial.stage), not trial.active))
    names = choice.unique(trial.name for trial in found)
    return tuple(replace(trial, name=name) for trial, name in zip(found, names, strict=True))


def _users_of(stage: str) -> int:
    """The number of users of a stage; 0 for a trial without a stage, so that it comes first."""
    digits = "".join(each for each in stage if each.isdigit())
    return int(digits or 0)
