"""The adapter over toxiproxy-python: several servers, deadlines, typed errors, chaoskit's units.

The only place that knows Toxiproxy's API and that it counts in milliseconds and KB/s.
"""

from __future__ import annotations

from chaoskit.toxiproxy.marked import Marked
from chaoskit.toxiproxy.servers import ProxyState, Toxiproxies

__all__ = ["Marked", "ProxyState", "Toxiproxies"]
