"""What earlier runs of an application saw its components listen on.

A provider whose port nobody declared gets a Toxiproxy of its own, since any port may turn up. An
earlier run knows better: so what was seen is kept beside the runs, for each configuration, and the
next start makes fewer Toxiproxies. It is a memory and no declaration: without it a run works as well, and one
that has forgotten learns anew.
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
    """The memory of one application.

    Args:
        config: its resolved compose configuration; another one is another application.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        told = json.dumps(config, sort_keys=True, default=str)
        self.path: Path = state_folder() / "seen" / f"{hashlib.sha256(told.encode()).hexdigest()[:24]}.json"

    def load(self) -> dict[str, tuple[int, ...]]:
        """Component → the ports it was seen to listen on; empty if nothing is known or legible."""
        with suppress(OSError, ValueError, TypeError, AttributeError):
            known = json.loads(self.path.read_text(encoding="utf-8"))
            return {str(name): tuple(int(port) for port in ports) for name, ports in known.items()}
        return {}

    def save(self, seen: Mapping[str, frozenset[int]]) -> None:
        """Keep what a run has seen. That it cannot be kept is no reason to fail."""
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            part = self.path.with_suffix(
                f".{os.getpid()}.part"
            )  # several runs of one application may end at once
            part.write_text(
                json.dumps({name: sorted(ports) for name, ports in seen.items()}), encoding="utf-8"
            )
            part.replace(self.path)
