"""Replica lag, in memory and on a manual clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from chaoskit.clients import postgres, standby
from chaoskit.errors import FaultMisfit, NotLifted
from chaoskit.faults import Evidence, Injection, Obligation, ReplicaLag
from chaoskit.faults.base import check
from chaoskit.faults.replication import Means
from chaoskit.faults.replication.lagging import Lagging
from chaoskit.runtime import Undo
from chaoskit.runtime.memory import MemoryRuntime
from chaoskit.system import OUTSIDE
from tests.faults.cluster import Cluster

Inject = Callable[[ReplicaLag], Injection]

WAYS = [ReplicaLag("standby"), ReplicaLag("standby", by="link")]


def by(fault: ReplicaLag) -> str:
    """The name of a test of one way to lag."""
    return fault.by


@pytest.fixture
def runtime() -> MemoryRuntime:
    """A primary, its standby, and the components that use them, in memory, started."""
    made = MemoryRuntime(
        ["api", "main", "standby", "cache", "spare-1=spare", "spare-2=spare"],
        [
            (OUTSIDE, "api", 80),
            ("api", "main", 5432),
            ("api", "standby", 5432),
            ("standby", "main", 5432),
            ("standby", "cache", 6379),
        ],
    )
    made.start()
    made.clock.sleep(10.0)
    return made


@pytest.fixture
def cluster(runtime: MemoryRuntime, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The two servers; the watch looks only when the fault asks it to."""
    made = Cluster(runtime)
    monkeypatch.setattr(postgres, "connect", made.connect)
    monkeypatch.setattr(standby, "LOOK_INTERVAL_SECONDS", 3600.0)
    return made


@pytest.fixture
def inject(runtime: MemoryRuntime, cluster: Cluster) -> Iterator[Inject]:
    """Injects a fault; its watch ends with the test."""
    made: list[Injection] = []

    def one(fault: ReplicaLag) -> Injection:
        made.append(fault.inject(runtime))
        return made[-1]

    yield one
    for each in made:
        assert isinstance(each, Lagging)
        each._watch.close()
        each._watch._thread.join(10.0)
    assert cluster.sessions == 0


def looked(runtime: MemoryRuntime, injection: Injection, seconds: float) -> Evidence:
    """The last look of an experiment, which looks every 50 ms until the fault lands or the time is over."""
    until = runtime.clock.now() + seconds
    while not (evidence := injection.landed()).holds and runtime.clock.now() < until:
        runtime.clock.sleep(0.05)
    return evidence


def catching_up(injection: Injection, since_lift: float) -> Obligation:
    """The only obligation of the fault."""
    (owed,) = injection.obligations(since_lift)
    return owed


@pytest.mark.parametrize("fault", WAYS, ids=by)
def test_it_lands_holds_is_lifted_and_the_standby_catches_up(
    runtime: MemoryRuntime, cluster: Cluster, inject: Inject, fault: ReplicaLag
) -> None:
    """The fault lands once the standby is far enough behind, and is gone after the lift; the standby catches
    up, which is reported with its figures, and no connection is left."""
    injection = inject(fault)
    began = runtime.clock.now()
    assert not looked(runtime, injection, 1.8).holds
    evidence = looked(runtime, injection, 5.0)
    assert evidence.holds
    assert 2.0 <= runtime.clock.now() - began <= 3.0
    assert 2.0 <= evidence.figures["behind_seconds"] <= 2.6
    assert evidence.figures["behind_bytes"] >= 800
    assert evidence.says.endswith(" s behind main")
    for _ in range(100):
        runtime.clock.sleep(0.05)
        injection.landed()
    held = injection.holding()
    assert held.holds
    if fault.by == "replay":
        assert held.figures["behind_seconds"] > 6.9
    assert not injection.gone().holds
    injection.lift()
    injection.lift()
    assert injection.gone().holds
    assert not injection.landed().holds
    owed = catching_up(injection, 0.1)
    assert (owed.name, owed.kept) == ("catches up", True)
    assert owed.figures["seconds"] == 0.0
    assert owed.figures["owed_bytes"] >= 800
    assert "0 s later; 30 s allowed" in owed.says
    assert cluster.sessions == 0


@pytest.mark.parametrize("fault", WAYS, ids=by)
def test_the_undo_alone_takes_the_fault_back(
    runtime: MemoryRuntime, cluster: Cluster, inject: Inject, fault: ReplicaLag
) -> None:
    """The steps on disk are enough to undo the fault: a restart ends the pause, or the toxics are removed."""
    steps = fault.undo(runtime)
    injection = inject(fault)
    assert not injection.gone().holds
    for step in steps:
        runtime.undo(step)
    assert injection.gone().holds
    injection.lift()
    assert catching_up(injection, 0.1).kept


def test_how_it_is_undone(runtime: MemoryRuntime, cluster: Cluster) -> None:
    """A restart of the standby undoes a pause, and the names of its toxics undo a slow and narrow link."""
    assert ReplicaLag("standby").undo(runtime) == (Undo("restart", "standby"),)
    steps = ReplicaLag("standby", by="link", at_least_bytes=1000).undo(runtime)
    assert [(step.action, step.detail["name"]) for step in steps] == [
        ("remove_toxic", "chaoskit-lag"),
        ("remove_toxic", "chaoskit-lag-bytes"),
    ]
    assert {step.target for step in steps} == {runtime.links[3].proxy}


def test_the_narrow_link_is_made_wide_before_it_is_made_quick(
    runtime: MemoryRuntime, cluster: Cluster, inject: Inject
) -> None:
    """The lift removes toxics in reverse order, as the undo log does: Toxiproxy hangs while the data that a
    latency holds back trickles through a narrow link."""
    removed: list[str] = []
    fault = ReplicaLag("standby", by="link", at_least_bytes=1000)
    injection = inject(fault)
    runtime.remove_toxic = lambda link, name: removed.append(name)  # type: ignore[method-assign]
    injection.lift()
    assert removed == [step.detail["name"] for step in reversed(fault.undo(runtime))]
    assert removed == ["chaoskit-lag-bytes", "chaoskit-lag"]


def test_a_primary_that_writes_nothing_is_named_as_the_reason(
    runtime: MemoryRuntime, cluster: Cluster, inject: Inject
) -> None:
    """The paused standby of an idle primary is not behind, and the evidence says what to do."""
    cluster.stopped = runtime.clock.now()
    evidence = looked(runtime, inject(ReplicaLag("standby")), 20.0)
    assert not evidence.holds
    assert evidence.figures["behind_seconds"] == 0.0
    assert evidence.says == (
        "standby is 0 bytes and 0.0 s behind main, which has written nothing since the injection: "
        "drive a journey that writes"
    )


@pytest.mark.parametrize("way", ["replay", "link"])
def test_bytes_have_to_be_reached_as_well(
    runtime: MemoryRuntime, cluster: Cluster, inject: Inject, way: Means
) -> None:
    """At 400 bytes a second, the standby is 2,400 bytes behind after six seconds, not after two."""
    injection = inject(ReplicaLag("standby", by=way, at_least=1.0, at_least_bytes=2400))
    evidence = looked(runtime, injection, 4.0)
    assert not evidence.holds
    assert evidence.says.endswith("; the fault asks for 2,400 bytes and 1 s")
    if way == "replay":
        assert looked(runtime, injection, 4.0).figures["behind_bytes"] == 2400


def test_a_pause_that_ends_early_does_not_hold(
    runtime: MemoryRuntime, cluster: Cluster, inject: Inject
) -> None:
    """At the end of the fault window the standby must still be behind."""
    injection = inject(ReplicaLag("standby"))
    assert looked(runtime, injection, 5.0).holds
    runtime.restart("standby")
    held = injection.holding()
    assert not held.holds
    assert held.says.endswith("; the fault asks for 2 s")


def test_a_link_that_is_mended_early_does_not_hold(
    runtime: MemoryRuntime, cluster: Cluster, inject: Inject
) -> None:
    """Missing toxics are noticed, although the standby was behind a moment ago."""
    injection = inject(ReplicaLag("standby", by="link"))
    assert looked(runtime, injection, 5.0).holds
    runtime.reset_links()
    held = injection.holding()
    assert not held.holds
    assert held.says == "standby→main:5432 has no chaoskit-lag"


def test_a_slow_link_holds_between_two_writes(
    runtime: MemoryRuntime, cluster: Cluster, inject: Inject
) -> None:
    """The lag over a link is a saw-tooth: just after an arrival it is small, and the fault still holds."""
    injection = inject(ReplicaLag("standby", by="link", at_least=2.0))
    assert looked(runtime, injection, 5.0).holds
    cluster.stopped = runtime.clock.now()
    for _ in range(60):
        runtime.clock.sleep(0.05)
        evidence = injection.landed()
    assert evidence.figures["behind_bytes"] == 0
    assert not evidence.holds
    assert injection.holding().holds
    runtime.clock.sleep(6.0)
    assert not injection.holding().holds


def test_a_standby_that_does_not_catch_up_breaks_its_obligation(
    runtime: MemoryRuntime, cluster: Cluster, inject: Inject
) -> None:
    """The obligation is undecided until the deadline and broken after it, though the pause itself is gone."""
    cluster.replay_takes = 1e9
    injection = inject(ReplicaLag("standby", catch_up_within=5.0))
    assert looked(runtime, injection, 5.0).holds
    injection.lift()
    assert injection.gone().holds
    assert catching_up(injection, 4.9).kept is None
    runtime.clock.sleep(5.1)
    owed = catching_up(injection, 5.1)
    assert owed.kept is False
    assert "behind main 5.1 s after the lift; 5 s allowed" in owed.says
    assert owed.figures["within_seconds"] == 5.0
    assert owed.figures["owed_bytes"] >= 800
    assert cluster.sessions == 0


def test_catching_up_too_late_is_reported_with_its_time(
    runtime: MemoryRuntime, cluster: Cluster, inject: Inject
) -> None:
    """A standby that caught up after the deadline was late, even if it was asked only later."""
    cluster.replay_takes = 7.0
    injection = inject(ReplicaLag("standby", catch_up_within=5.0))
    assert looked(runtime, injection, 5.0).holds
    injection.lift()
    assert catching_up(injection, 0.0).kept is None
    runtime.clock.sleep(7.5)
    owed = catching_up(injection, 7.5)
    assert owed.kept is False
    assert "7.5 s later; 5 s allowed" in owed.says


def test_a_standby_that_does_not_answer_leaves_it_open(
    runtime: MemoryRuntime, cluster: Cluster, inject: Inject
) -> None:
    """An obligation that cannot be seen is not broken but undecided, and a lift that fails says so."""
    injection = inject(ReplicaLag("standby"))
    cluster.refuses = {"standby"}
    evidence = injection.landed()
    assert not evidence.holds
    assert evidence.says == "how far standby is behind is not known: network error"
    with pytest.raises(NotLifted, match="could not be resumed"):
        injection.lift()
    assert not injection.gone().holds
    runtime.clock.sleep(100.0)
    assert catching_up(injection, 100.0).kept is None
    cluster.refuses = set()
    injection.lift()
    assert injection.gone().holds


def test_the_watch_looks_by_itself_until_the_standby_has_caught_up(
    runtime: MemoryRuntime, cluster: Cluster, inject: Inject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch knows the lag, and when the standby caught up, without being asked."""
    monkeypatch.setattr(standby, "LOOK_INTERVAL_SECONDS", 0.001)
    injection = inject(ReplicaLag("standby"))
    assert isinstance(injection, Lagging)
    runtime.clock.sleep(3.0)
    injection.lift()
    injection._watch._thread.join(10.0)
    assert not injection._watch._thread.is_alive()
    assert cluster.sessions == 0
    runtime.clock.sleep(50.0)
    owed = catching_up(injection, 50.0)
    assert (owed.kept, owed.figures["seconds"]) == (True, 0.0)


@pytest.mark.parametrize(
    ("host", "fault", "found"),
    [
        ("main", ReplicaLag("standby"), True),
        ("", ReplicaLag("standby"), True),  # the only PostgreSQL that it is linked to
        ("10.0.0.7", ReplicaLag("standby"), True),
        ("", ReplicaLag("standby", primary="main"), True),
        ("", ReplicaLag("standby", primary="cache"), False),
    ],
)
def test_the_primary_is_found(
    runtime: MemoryRuntime, cluster: Cluster, host: str, fault: ReplicaLag, found: bool
) -> None:
    """The primary is the one that was given, the one that the standby names, or the one it is linked to."""
    cluster.host = host
    assert (not fault.misfits(runtime)) is found


def test_two_possible_primaries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """If neither the standby nor its links tell the primary, the error lists the candidates and asks."""
    made = MemoryRuntime(
        ["main", "other", "standby"],
        [("standby", "main", 5432), ("standby", "other", 5432), ("main", "standby", 5432)],
    )
    made.start()
    cluster = Cluster(made)
    monkeypatch.setattr(postgres, "connect", cluster.connect)
    cluster.host = "10.0.0.7"
    (reason,) = ReplicaLag("standby").misfits(made)
    assert reason == (
        "the primary of standby is not known: its WAL receiver names '10.0.0.7', which is not one "
        "component; PostgreSQL servers that it is linked to: main, other. Name the primary with primary="
    )
    cluster.host = "other"
    assert not ReplicaLag("standby").misfits(made)
    cluster.standbys = {"standby", "other"}
    (reason,) = ReplicaLag("standby").misfits(made)
    assert reason.startswith("other is itself a standby")


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (ReplicaLag("stanby"), "there are api, main, standby"),
        (ReplicaLag("main"), r"main is not a standby: .*other PostgreSQL servers here: standby"),
        (ReplicaLag("cache"), r"cache serves no port 5432 \(its ports: 6379\)"),
        (ReplicaLag("spare"), "spare-1, spare-2; name one of them"),
        (ReplicaLag("standby", primary="nobody"), "no component or service 'nobody'"),
        (ReplicaLag("standby", primary="standby"), "standby is itself a standby"),
        (ReplicaLag("standby", by="magic"), "'magic' is not one of replay, link"),  # type: ignore[arg-type]
        (ReplicaLag("standby", at_least=0.0), "at_least is 0 s; it must be above zero"),
        (ReplicaLag("standby", at_least_bytes=-1), "at_least_bytes is -1"),
        (ReplicaLag("standby", catch_up_within=0.0), "catch_up_within is 0 s"),
    ],
    ids=lambda value: value.name if isinstance(value, ReplicaLag) else "",
)
def test_a_misfit_is_refused_before_anything_happens(
    runtime: MemoryRuntime, cluster: Cluster, fault: ReplicaLag, says: str
) -> None:
    """A fault that does not fit says why and what would fit, and touches nothing."""
    before = list(runtime.log)
    with pytest.raises(FaultMisfit, match=says):
        check(fault, runtime)
    assert runtime.log == before
    assert cluster.sessions == 0


def test_missing_rights_and_wrong_passwords_say_what_to_give(
    runtime: MemoryRuntime, cluster: Cluster
) -> None:
    """Missing rights and wrong passwords are misfits with a remedy; a slow link needs no right."""
    cluster.privileged = False
    (reason,) = ReplicaLag("standby").misfits(runtime)
    assert "may not pause replay on standby" in reason
    assert not ReplicaLag("standby", by="link").misfits(runtime)
    for name in ("standby", "main"):
        cluster.refuses = {name}
        (reason,) = ReplicaLag("standby", by="link").misfits(runtime)
        assert reason.startswith(f"{name} does not let the harness in: SQLSTATE 28P01")
        assert reason.endswith("give user= and password=")


def test_a_replay_that_is_paused_already_does_not_fit(
    runtime: MemoryRuntime, cluster: Cluster, inject: Inject
) -> None:
    """The lift would resume replay that was paused before the fault, so the fault does not fit."""
    inject(ReplicaLag("standby"))
    (reason,) = ReplicaLag("standby").misfits(runtime)
    assert reason.startswith("replay on standby is paused already")


def test_the_standby_is_strained(runtime: MemoryRuntime) -> None:
    """The standby still serves, but the past: no component is lost or cut off."""
    for fault in WAYS:
        impact = fault.impact(runtime)
        assert impact.strained == {"standby"}
        assert not impact.lost | impact.severed | impact.hampered


def test_no_password_is_shown() -> None:
    """Neither the name in a report nor the record in a journal has the password."""
    fault = ReplicaLag("standby", user="admin", password="s3cret")
    assert "s3cret" not in f"{fault.name}{fault.describe()}"
    assert fault.name == "ReplicaLag('standby', user='admin', password='***')"
