"""Which fault a component gets."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pytest

from chaoskit.faults.base import Fault
from chaoskit.starter.choice import Kind, Known, flood, look, python_name, trials, unique
from chaoskit.starter.model import StarterTrial
from tests.starter.samples import ENTRY, VISIT


def fits_only(*names: str) -> object:
    """A system that these faults fit, by the names that a report gives them."""

    def fits(fault: Fault) -> Sequence[str]:
        return [] if fault.name in names else ["it serves no such port"]

    return fits


def known(component: str, ports: Collection[int], *names: str) -> Known:
    """A component that these faults fit."""
    return look(component, component, ports, fits_only(*names))  # type: ignore[arg-type]


def one(each: Known, *, written: bool = False, sharing: bool = False, replicas: int = 1) -> StarterTrial:
    """Its only experiment."""
    (trial,) = trials(each, [VISIT], written=written, sharing=sharing, replicas=replicas)
    return trial


def test_postgresql_runs_out_of_connections() -> None:
    """A PostgreSQL that accepts the harness gets the fault of its stage."""
    trial = one(known("db", [5432], "ConnectionExhaustion('db')"))
    assert (trial.fault, trial.stage) == ('faults.ConnectionExhaustion("db")', "5,000 users")


def test_a_postgresql_that_refuses_the_harness_dies_and_a_comment_says_why() -> None:
    """Without credentials the component gets a primitive fault, and a comment says which would fit."""
    trial = one(known("db", [5432]))
    assert trial.fault == 'faults.Kill("db")'
    assert "ConnectionExhaustion does not fit: it serves no such port" in trial.notes[0]


@pytest.mark.parametrize("names", [("CacheLoss('cache', how='flush')",), ("CacheLoss('cache', how='kill')",)])
def test_redis_is_lost(names: tuple[str, ...]) -> None:
    """A component that speaks Redis, or serves its port and wants a password, is a cache that dies. It is
    never emptied unasked, since it may hold data that is nowhere else.
    """
    each = known("cache", [6379], *names)
    assert each.kind is Kind.REDIS
    assert one(each).fault == 'faults.CacheLoss("cache", how="kill")'
    assert "degraded" in one(each).about


def test_a_standby_lags_only_if_its_primary_is_written_to() -> None:
    """With writes it lags. Without writes it dies, and the lag waits as a comment."""
    replica = known("replica", [5432], "ReplicaLag('replica')", "ConnectionExhaustion('replica')")
    assert replica.kind is Kind.STANDBY
    assert one(replica, written=True).fault == 'faults.ReplicaLag("replica")'
    plain, lag = trials(replica, [VISIT], written=False, sharing=False, replicas=1)
    assert (plain.fault, plain.active) == ('faults.Kill("replica")', True)
    assert (lag.fault, lag.active) == ('faults.ReplicaLag("replica")', False)


def test_a_standby_whose_replay_may_not_be_paused_gets_a_slow_link() -> None:
    """The variant of the fault that fits is the one that is written."""
    replica = known("replica", [5432], "ReplicaLag('replica', by='link')")
    assert one(replica, written=True).fault == 'faults.ReplicaLag("replica", by="link")'


def test_the_entry_restarts_others_die_and_shared_networks_freeze() -> None:
    """Other components get the primitive fault that fits, and the docstring says which journeys may fail."""
    assert one(known("shop", [8080])).fault == 'faults.Restart("shop")'
    assert "may fail" in one(known("warehouse", [9000])).about
    assert "do not notice" in one(known("mailer", [])).about
    assert one(known("warehouse", [9000]), sharing=True).fault == 'faults.Pause("warehouse")'


def test_of_several_replicas_one_is_hit() -> None:
    """The fault names the component, not the service, and the other replicas must serve."""
    trial = one(Known("warehouse-1", "warehouse", Kind.OTHER), replicas=2)
    assert trial.fault == 'faults.Kill("warehouse-1")'
    assert "the others serve" in trial.about


def test_names_that_would_be_one_in_python_are_made_unique() -> None:
    """No test replaces another by having its name."""
    assert unique(["a", "b", "a", "a_2", "a"]) == ["a", "b", "a_2", "a_2_2", "a_3"]


def test_a_flood_waits_to_be_asked() -> None:
    """No run sends a flood before the user has uncommented it."""
    assert not flood(ENTRY).active


@pytest.mark.parametrize(
    ("name", "python"), [("my-api.1", "my_api_1"), ("API", "api"), ("--", "component"), ("über", "ber")]
)
def test_names_become_python(name: str, python: str) -> None:
    """Any service name leads to a valid name of a test."""
    assert python_name(name) == python
