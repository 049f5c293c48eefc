"""The system under test as its user declares it: components, journeys, promises, and mistakes in them."""

from chaoskit.system.arrivals import ramp, steps
from chaoskit.system.declaration import (
    ANY,
    HARNESS,
    OUTSIDE,
    Component,
    Impact,
    Journey,
    Link,
    ResetHook,
    RunningSystem,
    System,
    journey,
    members,
)
from chaoskit.system.terms import Slo, Terms

__all__ = [
    "ANY",
    "HARNESS",
    "OUTSIDE",
    "Component",
    "Impact",
    "Journey",
    "Link",
    "ResetHook",
    "RunningSystem",
    "Slo",
    "System",
    "Terms",
    "journey",
    "members",
    "ramp",
    "steps",
]
