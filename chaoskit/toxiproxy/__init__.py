"""The adapter over toxiproxy-python: several servers, deadlines, typed errors, chaoskit's units.

Only this package knows Toxiproxy's API, and that its units are milliseconds and KB/s.
"""

from __future__ import annotations

from chaoskit.toxiproxy.marked import Marked
from chaoskit.toxiproxy.servers import ProxyState, Toxiproxies

__all__ = ["Marked", "ProxyState", "Toxiproxies"]
