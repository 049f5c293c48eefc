"""The rewrite of a compose configuration into one with Toxiproxy on every link."""

from chaoskit.interpose.interposition import interpose
from chaoskit.interpose.model import API_PORT, COMPONENT_LABEL, RUN_LABEL, Interposed, Placed, Route

__all__ = ["API_PORT", "COMPONENT_LABEL", "RUN_LABEL", "Interposed", "Placed", "Route", "interpose"]
