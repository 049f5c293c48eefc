"""Starters for the tests of what is written."""

from __future__ import annotations

from chaoskit.starter.choice import flood
from chaoskit.starter.model import Calm, Door, Shut, Starter, StarterTrial, Visit
from chaoskit.starter.objective import objective

DOOR = Door(entry="shop:8080", service="shop", path="/", says="/ answers 200", rate=10)
CALM = Calm(seconds=5.0, samples=50, failed=0, p50=0.004, p95=0.010)
VISIT = Visit(
    name="visit_shop",
    door=DOOR,
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
    about="cache dies: users keep their degraded SLO.",
    stage="50,000 users",
)
SMALL = Starter(compose="compose.yaml", date="2026-02-28", visits=(VISIT,), trials=(LOSS,))

_LONG = "a-service-whose-name-is-much-longer-than-anybody-would-like-it-to-be"
_FAILING = Calm(seconds=5.0, samples=50, failed=4, p50=0.8, p95=2.2, error='HTTPStatusError: "503" \\ again')
LARGE = Starter(
    compose="../deploy/compose.yaml",
    date="2026-02-28",
    visits=(
        VISIT,
        Visit(
            name="visit_long",
            door=Door(
                entry=f"{_LONG}:80",
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
    shut=(Shut("db:5432", "speaks PostgreSQL, not HTTP"), Shut("mail:25", "does not speak HTTP")),
    trials=(
        LOSS,
        StarterTrial(
            name="test_long_dies",
            component=_LONG,
            kind="Kill",
            arguments=(f'"{_LONG}-1"',),
            about=f"{_LONG} dies: who needs it may fail, and is served again in time.",
            notes=(f"ConnectionExhaustion did not fit: {_LONG} serves no port 5432 (its ports: none).",),
        ),
        flood(DOOR),
    ),
    idle=(("migrate", "it ended with exit code 0"),),
)
"""Everything that could be hard to write: long names, quotes, failures, comments."""
