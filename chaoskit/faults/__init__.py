"""The catalogue of faults: frozen data that says what happens, to what, how it is proven and undone.

The failures of growth stand beside the primitives that they are made of.
"""

from chaoskit.faults.base import Evidence, Fault, Injection, Promise
from chaoskit.faults.cache import CacheLoss
from chaoskit.faults.components import Kill, Pause, Restart
from chaoskit.faults.connections import ConnectionExhaustion
from chaoskit.faults.flood import BotFlood
from chaoskit.faults.links import Bandwidth, CutLink, Latency, Reset

__all__ = [
    "Bandwidth",
    "BotFlood",
    "CacheLoss",
    "ConnectionExhaustion",
    "CutLink",
    "Evidence",
    "Fault",
    "Injection",
    "Kill",
    "Latency",
    "Pause",
    "Promise",
    "Reset",
    "Restart",
]
