"""chaoskit: find out what breaks at the next stage of growth, before your users do.

The public names are loaded when they are first used (PEP 562): pytest imports this package in
every run of a project that has it installed, and the load process and the reaper must start fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaoskit import faults
    from chaoskit.chaos import Chaos, Conclusion
    from chaoskit.errors import ChaoskitError, PromiseBroken, UnexpectedVerdict, VerdictUnknown
    from chaoskit.experiment.timing import Timing
    from chaoskit.factories import attached_environment, environment_for
    from chaoskit.judge import JudgeSettings, Settings, Verdict
    from chaoskit.load.user import User
    from chaoskit.system import Journey, Slo, System, journey, ramp, steps

__version__ = "0.1.0"

__all__ = [
    "Chaos",
    "ChaoskitError",
    "Conclusion",
    "Journey",
    "JudgeSettings",
    "PromiseBroken",
    "Settings",
    "Slo",
    "System",
    "Timing",
    "UnexpectedVerdict",
    "User",
    "Verdict",
    "VerdictUnknown",
    "attached_environment",
    "environment_for",
    "faults",
    "journey",
    "ramp",
    "steps",
]

_HOMES = {
    "Chaos": "chaos",
    "ChaoskitError": "errors",
    "Conclusion": "chaos",
    "Journey": "system",
    "JudgeSettings": "judge",
    "PromiseBroken": "errors",
    "Settings": "judge",
    "Slo": "system",
    "System": "system",
    "Timing": "experiment.timing",
    "UnexpectedVerdict": "errors",
    "User": "load.user",
    "Verdict": "judge",
    "VerdictUnknown": "errors",
    "attached_environment": "factories",
    "environment_for": "factories",
    "journey": "system",
    "ramp": "system",
    "steps": "system",
}


def __getattr__(name: str) -> object:
    if name == "faults":
        return importlib.import_module("chaoskit.faults")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'chaoskit' has no attribute {name!r}")
    return getattr(importlib.import_module(f"chaoskit.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
