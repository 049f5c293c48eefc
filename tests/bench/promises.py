"""What the load engine promises, set against what one run of the bench has measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.bench.costs import FLOOD, JOURNEYS, LOCUST, Cost
from tests.bench.stalls import RATE, SECONDS, Account


@dataclass(frozen=True, slots=True)
class Promise:
    """One of them.

    Attributes:
        what: in words.
        seen: what was measured.
        limit: the least or the most that was promised.
        kept: whether it was kept.
    """

    what: str
    seen: str
    limit: str
    kept: bool


def promises(
    costs: Mapping[str, Cost], accounts: Mapping[str, Account], harness: Mapping[str, float]
) -> Iterator[Promise]:
    """All that this run can tell of.

    Args:
        costs: engine → what a request costs it.
        accounts: engine → what it says of the stall.
        harness: see :mod:`tests.bench.harness`.
    """
    if theirs := costs.get(LOCUST):
        for name, most in ((JOURNEYS, 0.5), (FLOOD, 0.25)):
            share = costs[name].cpu_us / theirs.cpu_us
            yield Promise(f"{name}, CPU per request, of Locust's", f"{share:.2f}", f"≤ {most}", share <= most)
    flood = costs[FLOOD]
    what = f"{FLOOD} of {flood.identities:,} addresses, requests per second from one core"
    yield Promise(what, f"{flood.rate_per_s:,.0f}", "≥ 5,000", flood.rate_per_s >= 5000)
    ours = accounts[JOURNEYS]
    for name, error in (("p99", ours.p99_error), ("p99.9", ours.p999_error)):
        assert error is not None
        says = f"{abs(error):.1%}"
        yield Promise(f"{name} of the stall, from the truth by", says, "≤ 2%", abs(error) <= 0.02)
    due = int(RATE * SECONDS)
    counted = f"{ours.accounted or 0:,}"
    yield Promise("requests accounted for", counted, f"= {due:,}", ours.accounted == due)
    judged, memory = harness["judge_s"], harness["memory_most_mb"]
    samples = f"{harness['samples']:,.0f} requests"
    yield Promise(f"{samples} judged, CPU s", f"{judged:.2f}", "< 1", judged < 1.0)
    yield Promise(
        f"{samples}, a pytest run with journal and report, MB", f"{memory:.0f}", "< 300", memory < 300
    )
