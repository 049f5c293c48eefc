"""The source of a flood as a command that carries its own program: it always has this package's version."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from chaoskit.flood import FloodPlan

_MODULES = {
    "chaoskit.flood": "__init__.py",
    "chaoskit.flood.answers": "answers.py",
    "chaoskit.flood.accounts": "accounts.py",
    "chaoskit.flood.bots": "bots.py",
    "chaoskit.flood.source": "source.py",
}
"""The shipped modules, each after those that it imports."""

_LOADER = """\
import json, sys, types
sys.modules["chaoskit"] = types.ModuleType("chaoskit")
for name, text in json.loads(sys.argv[1]).items():
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(text, name, "exec"), module.__dict__)
sys.exit(sys.modules["chaoskit.flood.source"].main(sys.argv[2]))
"""


def command(plan: FloodPlan, addresses: Sequence[str], python: str = "python3") -> list[str]:
    """The command that floods; it needs Python 3.11 or newer, and no package.

    Args:
        plan: what the source is asked to do.
        addresses: the addresses to try for the entry; the first that accepts a connection is flooded.
        python: the interpreter.
    """
    here = Path(__file__).parent
    program = {name: (here / file).read_text(encoding="utf-8") for name, file in _MODULES.items()}
    arguments = {**asdict(plan), "addresses": list(addresses)}
    return [python, "-ISc", _LOADER, json.dumps(program), json.dumps(arguments)]
