"""The ports on which earlier runs of an application saw its components listen.

A provider without a declared port gets a Toxiproxy of its own, because any port may turn up. So the
ports that a run saw are stored beside the runs' folders, for each configuration, and the next start
needs fewer Toxiproxies. The stored ports only save time: a run works without them and finds the ports again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from chaoskit.containers.cleanup.owner import state_folder


class Sightings:
    """The stored ports of one application.

    Args:
        config: its resolved compose configuration; a different configuration is another application.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        text = json.dumps(config, sort_keys=True, default=str)
        self.path: Path = state_folder() / "seen" / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.json"

    def load(self) -> dict[str, tuple[int, ...]]:
        """Component → the ports on which it was seen to listen; empty if nothing readable is stored."""
        with suppress(OSError, ValueError, TypeError, AttributeError):
            known = json.loads(self.path.read_text(encoding="utf-8"))
            return {str(name): tuple(int(port) for port in ports) for name, ports in known.items()}
        return {}

    def save(self, seen: Mapping[str, frozenset[int]]) -> None:
        """Store what a run has seen. A failure to store it is ignored."""
        text = json.dumps({name: sorted(ports) for name, ports in seen.items()})
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Several runs of one application may end at the same time, so each writes its own file.
            part = self.path.with_suffix(f".{os.getpid()}.part")
            part.write_text(text, encoding="utf-8")
            part.replace(self.path)
