"""Slow, narrow and resetting links show what they do to a connection, on a runtime in memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chaoskit.faults import Bandwidth, Latency, Reset
from chaoskit.faults.base import Injection
from chaoskit.faults.toxics import ToxicFault
from chaoskit.runtime import Exchange, Toxic, Until
from chaoskit.runtime.memory import MemoryRuntime
from chaoskit.system import Link

LINK = Link("api", "db", 5432)
OTHER = Link("api", "queue", 5672)


class Leaky(MemoryRuntime):
    """What it is told to do to links is read back, and may have no effect on what passes."""

    without_effect = False
    slow_by_itself = 0.0
    """Seconds that the provider takes to answer, by whichever way it is asked."""

    def exchange(
        self, link: Link, said: bytes, *, until: Until = "answer", patience: float = 2.0, past: bool = False
    ) -> Exchange:
        self.passage = 0.0004 + self.slow_by_itself
        return super().exchange(link, said, until=until, patience=patience, past=past or self.without_effect)


@pytest.fixture
def runtime() -> Leaky:
    """An API with two providers."""
    made = Leaky(["api", "db", "queue"], [("api", "db", 5432), ("api", "queue", 5672)])
    made.start()
    return made


class Both(Latency):
    """Of both links."""

    def links(self, runtime: object) -> tuple[Link, ...]:
        return (LINK, OTHER)


FAULTS = [
    Latency("api→db", delay=0.3),
    Latency("api→db", delay=0.3, stream="upstream"),
    Latency("api→db", delay=5.0),
    Bandwidth("api→db"),
    Bandwidth("api→db", stream="upstream"),
    Reset("api→db"),
    Reset("api→db", after=0.5),
    Reset("api→db", after=10.0),
]
every_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)


def injected(fault: ToxicFault, runtime: MemoryRuntime) -> Injection:
    """The fault, set going."""
    return fault.inject(runtime)


@every_fault
def test_a_toxic_without_effect_has_not_landed(runtime: Leaky, fault: ToxicFault) -> None:
    """That Toxiproxy says it has the toxic is not enough: what passes must feel it."""
    injection = injected(fault, runtime)
    assert injection.landed().holds
    runtime.without_effect = True
    assert len(runtime.toxics(LINK)) == 1
    assert not injection.landed().holds
    assert not injection.holding().holds


@every_fault
def test_a_fault_whose_effect_stays_is_not_gone(runtime: Leaky, fault: ToxicFault) -> None:
    """That Toxiproxy has no toxic any more is not enough either."""
    injection = injected(fault, runtime)
    injection.lift()
    assert injection.gone().holds
    runtime.add_toxic(LINK, fault.toxic())
    runtime.toxics = lambda link: ()  # type: ignore[method-assign]  # it says so
    runtime.exchange = stuck(fault.toxic())  # type: ignore[method-assign]
    assert not injection.gone().holds


def stuck(toxic: Toxic) -> Callable[..., Exchange]:
    """The exchanges of a link that has a toxic, whatever is read back."""
    there = MemoryRuntime(["api", "db"], [("api", "db", 5432)])
    there.start()
    there.add_toxic(LINK, toxic)
    return there.exchange


@every_fault
def test_a_link_over_which_nothing_passes_cannot_be_harmed(runtime: Leaky, fault: ToxicFault) -> None:
    """A slow link to a provider that does not serve shows nothing of what slowness does."""
    runtime.kill("db")
    shown = injected(fault, runtime).landed()
    assert not shown.holds
    assert "a connection over api→db:5432 was refused before the fault" in shown.says


def test_answers_that_never_come_cannot_be_slowed(runtime: Leaky) -> None:
    """To a provider that only listens, the other direction can be."""
    runtime.mute.add("db")
    shown = injected(Latency("api→db", delay=0.3), runtime).landed()
    assert not shown.holds
    assert "db gives no answer over api→db:5432 that can be timed (quiet)" in shown.says
    runtime.reset_links()
    assert injected(Latency("api→db", delay=0.3, stream="upstream"), runtime).landed().holds


def test_a_port_that_nobody_serves_is_no_obstacle_beside_one_that_is(runtime: Leaky) -> None:
    """An image declares more ports than it serves: what carries something must be harmed, and is named."""
    runtime.kill("queue")
    shown = injected(Both("api→db", delay=0.3), runtime).landed()
    assert shown.holds
    assert "a connection over api→db:5432 took 0.4 ms before, 300 ms now" in shown.says
    assert (
        "its effect was not measured: a connection over api→queue:5672 was refused before the fault"
        in shown.says
    )


def test_the_evidence_tells_both_times(runtime: Leaky) -> None:
    """Before the fault and under it, in the sentence and as figures."""
    shown = injected(Latency("api→db", delay=0.3), runtime).landed()
    assert shown.says == "a connection over api→db:5432 took 0.4 ms before, 300 ms now"
    assert shown.figures == {
        "api→db:5432": "latency",
        "api→db:5432 before_s": 0.0004,
        "api→db:5432 now_s": 0.3004,
    }
    runtime.reset_links()
    shown = injected(Reset("api→db"), runtime).landed()
    assert shown.says == "a connection over api→db:5432 took 0.4 ms before, was reset after 0.4 ms now"


def test_an_effect_too_small_to_be_seen_is_read_back_only_and_says_so(runtime: Leaky) -> None:
    """A millisecond cannot be told from a busy machine."""
    injection = injected(Latency("api→db", delay=0.001), runtime)
    assert injection.landed().holds
    assert "its effect was not measured: what latency adds" in injection.landed().says
    runtime.remove_toxic(LINK, "chaoskit-latency")
    assert not injection.landed().holds
    assert injection.gone().holds


def test_a_provider_that_is_slow_by_itself_does_not_keep_a_fault_from_being_gone(runtime: Leaky) -> None:
    """Not to have recovered is the system's affair, and the judge's: past the proxy it is as slow."""
    injection = injected(Latency("api→db", delay=0.3), runtime)
    injection.lift()
    runtime.slow_by_itself = 0.5
    shown = injection.gone()
    assert shown.holds
    assert "took 500 ms, and one that goes past its proxy took 500 ms" in shown.says


def test_a_provider_that_died_under_the_fault_does_not_keep_it_from_being_gone(runtime: Leaky) -> None:
    """What is refused is not slow."""
    injection = injected(Latency("api→db", delay=0.3), runtime)
    runtime.kill("db")
    assert not injection.landed().holds
    injection.lift()
    assert injection.gone().holds


def test_a_delay_that_comes_and_goes_is_looked_for_more_than_once(runtime: Leaky) -> None:
    """Of a delay with jitter one exchange in several has to show it."""
    injection = injected(Latency("api→db", delay=0.1, jitter=0.1), runtime)
    quick = iter([True, True, False])
    real = runtime.exchange

    def now_and_then(link: Link, said: bytes, **how: object) -> Exchange:
        return real(link, said, past=next(quick, False))

    runtime.exchange = now_and_then  # type: ignore[method-assign]
    assert injection.landed().holds
