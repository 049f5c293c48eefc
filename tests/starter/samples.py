"""Starters for the tests of the written texts."""

from __future__ import annotations

from chaoskit.starter.choice import flood
from chaoskit.starter.model import Calm, HttpEntry, Starter, StarterTrial, UnusedEntry, Visit
from chaoskit.starter.objective import objective

ENTRY = HttpEntry(name="shop:8080", service="shop", path="/", says="/ answers 200", rate=10)
CALM = Calm(seconds=5.0, samples=50, failed=0, p50=0.004, p95=0.010)
VISIT = Visit(
    name="visit_shop",
    entry=ENTRY,
    needs=("shop", "warehouse"),
    uses=("cache",),
    calm=CALM,
    objective=objective(CALM, 2.0),
)
LOSS = StarterTrial(
    name="test_cache_is_lost",
    component="cache",
    kind="CacheLoss",
    arguments=('"cache"', 'how="kill"'),
    about="cache dies: journeys that use it keep their degraded SLO.",
    stage="50,000 users",
)
SMALL = Starter(compose="compose.yaml", date="2026-02-28", visits=(VISIT,), trials=(LOSS,))

_LONG = "a-service-whose-name-is-much-longer-than-any-reader-would-like-it-to-be"
_FAILING = Calm(seconds=5.0, samples=50, failed=4, p50=0.8, p95=2.2, error='HTTPStatusError: "503" \\ again')
LARGE = Starter(
    compose="../deploy/compose.yaml",
    date="2026-02-28",
    visits=(
        VISIT,
        Visit(
            name="visit_long",
            entry=HttpEntry(
                name=f"{_LONG}:80",
                service=_LONG,
                path='/a/path?with="quotes"&and=' + "x" * 45,
                says="/ leads to /a/path, which answers 200",
                rate=2,
            ),
            needs=(_LONG, f"{_LONG}-2", "ünïcode"),
            calm=_FAILING,
            objective=objective(_FAILING, 70.0),
        ),
    ),
    unused=(
        UnusedEntry("db:5432", "speaks PostgreSQL, not HTTP"),
        UnusedEntry("mail:25", "does not speak HTTP"),
    ),
    trials=(
        LOSS,
        StarterTrial(
            name="test_long_dies",
            component=_LONG,
            kind="Kill",
            arguments=(f'"{_LONG}-1"',),
            about=f"{_LONG} dies: journeys that need it may fail, and recover in time.",
            notes=(f"ConnectionExhaustion does not fit: {_LONG} serves no port 5432 (its ports: none).",),
        ),
        flood(ENTRY),
    ),
    idle=(("migrate", "it exited with code 0"),),
)
"""A starter with all that is hard to write: long names, quotes, failures, comments."""
