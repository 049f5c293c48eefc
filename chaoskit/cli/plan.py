"""``chaoskit plan``: print the links as a table, and the rewritten compose file as YAML."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from chaoskit.cli.finding import find_system, system_argument
from chaoskit.containers.compose import resolve, routed_networks
from chaoskit.errors import DeclarationError
from chaoskit.exitcodes import OK
from chaoskit.interpose import Interposed, interpose
from chaoskit.system import HARNESS, OUTSIDE
from chaoskit.system.mistakes import mistakes


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the subcommand."""
    parser.add_argument("--links", action="store_true", help="print only the table of links, to stdout")
    system_argument(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; return the exit code."""
    system = find_system(options.system, Path.cwd())
    planned = interpose(resolve(system), run_id="plan", taken=routed_networks(), external=system.external)
    found = mistakes(system, planned.components, planned.entries) if system.journeys else []
    if found:
        raise DeclarationError(found, where=", ".join(map(str, system.compose)))
    if options.links:
        print(render_links(planned))
        return OK
    print(render_links(planned), file=sys.stderr)
    print(render_compose(planned))
    return OK


_PLAIN_TEXT = re.compile(r"[A-Za-z_/$].*")
"""Text that no YAML version reads as a number. PyYAML quotes by YAML 1.1, where ``1e3`` and ``0o17`` are
text; Compose reads YAML 1.2, where they are numbers.
"""


def render_links(interposed: Interposed) -> str:
    """The links, the entries, the components without a known port, and the warnings, as plain text."""
    links = [
        (each.link.consumer, "→", f"{each.link.provider}:{each.link.port}", each.toxiproxy, each.link.proxy)
        for each in interposed.placed
        if each.link.consumer not in (OUTSIDE, HARNESS)
    ]
    entries = [(entry, "through", toxiproxy) for entry, (toxiproxy, _) in interposed.entries.items()]
    known = {provider for provider, _ in interposed.harness}
    silent = [route.provider for route in interposed.routes if route.consumer == HARNESS]
    unknown = [(name,) for name in silent if name not in known]
    parts = [
        _section(
            f"links ({len(links)}): consumer, provider and port, its Toxiproxy, the name of its proxy", links
        ),
        _section("entries: published on 127.0.0.1, each on a free host port", entries),
        _section(
            "no known port: chaoskit makes the links to these components when it sees them listen", unknown
        ),
        _section("warnings", [(warning,) for warning in interposed.warnings]),
        f"{len(interposed.components)} components behind {len(interposed.toxiproxies)} Toxiproxies; "
        f"{len(interposed.harness)} links of the harness",
    ]
    return "\n\n".join(part for part in parts if part)


def render_compose(interposed: Interposed) -> str:
    """The rewritten compose file as YAML that Compose and PyYAML read alike, below some comments."""
    project = interposed.compose["name"]
    head = (
        f"# {project}: each service alone in a network with Toxiproxy.",
        f"# Written by `chaoskit plan`; `docker compose -p {project} -f FILE up` starts it.",
        "# Undeclared ports have no link here: chaoskit finds them when it runs the system.",
        *(f"# {line}" for warning in interposed.warnings for line in f"warning: {warning}".splitlines()),
    )
    body = yaml.dump(interposed.compose, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**31 - 1)
    return "\n".join(head) + "\n" + body


def _section(title: str, rows: Sequence[Sequence[str]]) -> str:
    return "\n".join([title, *(f"  {line}" for line in _columns(rows))]) if rows else ""


def _columns(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes text of several lines as a block, quotes doubtful text, and writes nothing by reference."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write equal parts out in full: people read this."""
        return True


def _text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text else None if _PLAIN_TEXT.fullmatch(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
