"""The shop as chaoskit sees it."""

from __future__ import annotations

from chaoskit import Slo, System, User, journey

SLO = Slo(availability=0.95, p95=0.5, recovery=10.0)


@journey(rate=10, needs=["shop"], slo=SLO)
async def look(user: User) -> None:
    """Look at the front page, which no cart is needed for."""
    (await user.get("/front")).raise_for_status()


@journey(rate=10, needs=["shop", "cart"], slo=SLO, timeout=3.0)
async def put(user: User) -> None:
    """Put something into the cart."""
    (await user.get("/cart")).raise_for_status()


shop = System.from_compose("compose.yaml", journeys=[look, put])
