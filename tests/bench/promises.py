"""The promises of the load generator, compared with the figures of one run of the bench."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.bench.costs import FLOOD, JOURNEYS, LOCUST, Cost
from tests.bench.stalls import RATE_PER_S, SECONDS, Account


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise.

    Attributes:
        what: what is promised, in words.
        seen: the measured figure.
        limit: the lowest or highest figure that is promised.
        kept: whether the promise was kept.
    """

    what: str
    seen: str
    limit: str
    kept: bool


def promises(
    costs: Mapping[str, Cost], accounts: Mapping[str, Account], harness: Mapping[str, float]
) -> Iterator[Promise]:
    """All promises that this run has figures for.

    Args:
        costs: load generator → what a request costs it.
        accounts: load generator → what it reports of the stall.
        harness: see :mod:`tests.bench.harness`.
    """
    if theirs := costs.get(LOCUST):
        for name, most in ((JOURNEYS, 0.5), (FLOOD, 0.25)):
            share = costs[name].cpu_us / theirs.cpu_us
            yield Promise(
                f"{name}, CPU per request, as a share of Locust's", f"{share:.2f}", f"≤ {most}", share <= most
            )
    flood = costs[FLOOD]
    what = f"{FLOOD} of {flood.identities:,} addresses, requests per second from one core"
    yield Promise(what, f"{flood.rate_per_s:,.0f}", "≥ 5,000", flood.rate_per_s >= 5000)
    ours = accounts[JOURNEYS]
    for name, error in (("p99", ours.p99_error), ("p99.9", ours.p999_error)):
        assert error is not None
        says = f"{abs(error):.1%}"
        yield Promise(f"{name} of the stall, relative error", says, "≤ 2%", abs(error) <= 0.02)
    due = int(RATE_PER_S * SECONDS)
    counted = f"{ours.accounted or 0:,}"
    yield Promise("requests accounted for", counted, f"= {due:,}", ours.accounted == due)
    judged, memory = harness["judge_s"], harness["memory_most_mb"]
    samples = f"{harness['samples']:,.0f} requests"
    yield Promise(f"{samples} judged, CPU s", f"{judged:.2f}", "< 1", judged < 1.0)
    yield Promise(
        f"{samples}, a pytest run with journal and report, MB", f"{memory:.0f}", "< 300", memory < 300
    )
