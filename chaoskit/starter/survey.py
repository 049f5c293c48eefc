"""What a journey needs and uses, as far as one look can tell.

Whether anybody writes to a primary while the journeys run: what a standby could lag behind with.

Looks at the running system, and puts the starter together from what it sees.
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
from chaoskit.starter import entries as published
from chaoskit.starter.calm import measure
from chaoskit.starter.choice import Kind, Known
from chaoskit.starter.model import Calm, Shut, Starter, StarterTrial, Visit
from chaoskit.starter.objective import objective, steady
from chaoskit.system import Component, Link


def reached(entry: str, links: Iterable[Link]) -> tuple[str, ...]:
    """The components behind an entry, itself first: those that its links lead to, and theirs.

    Args:
        entry: the component that answers at the entry.
        links: the links that were used.
    """
    ways: dict[str, list[str]] = {}
    for link in links:
        ways.setdefault(link.consumer, []).append(link.provider)
    found = [entry]
    for consumer in found:  # grows while it is walked
        found += sorted(set(ways.get(consumer, ())) - set(found))
    return tuple(found)


def divided(services: Iterable[str], spare: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A first guess at (needs, uses). What is there to make things faster (a cache, a standby) is used;
    whatever else was reached is needed.

    Args:
        services: those that were reached, the entry's first; it is needed in any case.
        spare: the services that one should be able to do without.
    """
    ordered = tuple(dict.fromkeys(services))
    uses = tuple(each for each in ordered[1:] if each in spare)
    return tuple(each for each in ordered if each not in uses), uses


OFTEN = 3
"""Looks that must show something new: a checkpoint or a vacuum writes, too, now and then."""


class Writes:
    """Looks at how far the primary of one standby has written.

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
        """Look once; a server that does not answer now has shown nothing."""
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
        """Whether something was written again and again."""
        return self._grown >= OFTEN


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
    tell: published.Tell = lambda line: None,
) -> Starter:
    """The starter for a system that is up and calm.

    Args:
        runtime: where it runs.
        config: what ``docker compose config`` says.
        compose, date: see :class:`Starter`.
        seconds: how long the calm is measured.
        ready_after: how long the system took to be ready.
        paths: what the user says that entries answer.
        tell: takes progress, a line at a time.

    Raises:
        UsageError: no entry answers HTTP with success, so there is no journey.
    """
    lasting, idle = _lasting(runtime)
    known = [
        choice.look(each.name, each.service, runtime.ports(each.name), lambda fault: fault.misfits(runtime))
        for each in lasting
    ]
    entries, shut = published.find(runtime, known, config, paths, tell)
    if not entries:
        raise _nobody(compose, shut)
    visits = tuple(Visit(name=name, door=door) for name, door in published.named(entries))
    starter = Starter(compose=compose, date=date, visits=visits, shut=tuple(shut), idle=idle)
    tell(f"measuring {', '.join(each.name for each in visits)} in the calm for {seconds:g} s")
    writes = {each.component: Writes(each.component, runtime) for each in known if each.kind is Kind.STANDBY}

    def look() -> None:
        for each in writes.values():
            each.look()

    addresses = {
        published.of_service(entry, runtime): at for entry, at in reversed(tuple(runtime.entries.items()))
    }
    starter = measure(starter, addresses, seconds, runtime.clock, look=look, tell=tell)
    measured = {visit.name: visit.calm for visit in starter.visits if visit.calm is not None}
    spare = {each.service for each in known if each.kind in (Kind.REDIS, Kind.STANDBY)}
    fickle = [
        Shut(visit.door.entry, _fickle(calm))
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
    shut += fickle
    if not visits:
        raise _nobody(compose, shut)
    return replace(
        starter,
        visits=visits,
        shut=tuple(shut),
        trials=_trials(known, visits, runtime, {name for name, each in writes.items() if each.steady}),
    )


def _nobody(compose: str, shut: Sequence[Shut]) -> UsageError:
    return UsageError(
        "no published port answers HTTP, so there is nothing that users could do",
        where=compose,
        evidence="\n".join(f"{each.entry} {each.says}" for each in shut),
        remedy="name a path that answers with --path /some/page; a port that speaks another protocol "
        "needs a journey of your own; nothing was written",
    )


def _fickle(calm: Calm) -> str:
    return f"failed {calm.failed} of {calm.samples} requests with nothing at fault ({calm.error})"


def _lasting(runtime: Runtime) -> tuple[list[Component], tuple[tuple[str, str], ...]]:
    """One component of each service that stays up, and the services that do not."""
    lasting, idle = [], []
    for component in runtime.components:
        if component.index > 1:
            continue
        state = runtime.state(component.name)
        if state.status == "exited":
            idle.append((component.service, f"it ended with exit code {state.exit_code}"))
        else:
            lasting.append(component)
    return lasting, tuple(idle)


def _reach(
    visit: Visit, runtime: UsedLinks, spare: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    services = {each.name: each.service for each in runtime.components}
    links = [link for link in runtime.used_links() if {link.consumer, link.provider} <= set(services)]
    entries = [name for name, service in services.items() if service == visit.door.service]
    found = [services[name] for entry in entries for name in reached(entry, links)]
    return divided([visit.door.service, *found], spare)


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
    found += [choice.flood(visit.door) for visit in visits]
    found.sort(key=lambda trial: (_stage(trial.stage), not trial.active))
    names = choice.apart(trial.name for trial in found)
    return tuple(replace(trial, name=name) for trial, name in zip(found, names, strict=True))


def _stage(stage: str) -> int:
    """Users, as a number; what belongs to no stage comes first."""
    digits = "".join(each for each in stage if each.isdigit())
    return int(digits or 0)
