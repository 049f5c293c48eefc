"""``chaoskit init``, ``doctor``, ``plan``, ``up`` and so on: what a person does at a prompt."""

from __future__ import annotations

import argparse
import configparser
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chaoskit.errors import ChaoskitError, DeclarationError, UsageError
from chaoskit.gameday.options import add_options as add_gameday_options
from chaoskit.mistakes import mistakes
from chaoskit.starter.options import add_options as add_starter_options
from chaoskit.system import System

OK, TROUBLE, USAGE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: all is well; something is missing or failed; the user's mistake; Ctrl-C."""


_INI_FILES = (
    ("pytest.ini", "pytest"),
    (".pytest.ini", "pytest"),
    ("tox.ini", "pytest"),
    ("setup.cfg", "tool:pytest"),
)
_TOML_FILES = (
    ("pytest.toml", ("pytest",)),
    (".pytest.toml", ("pytest",)),
    ("pyproject.toml", ("tool", "pytest")),
    ("pyproject.toml", ("tool", "pytest", "ini_options")),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """The ``chaoskit`` command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except UsageError as error:
        print(f"chaoskit: {error}", file=sys.stderr)
        return USAGE
    except ChaoskitError as error:
        print(f"chaoskit: {error}", file=sys.stderr)
        return TROUBLE
    except KeyboardInterrupt:
        print("chaoskit: interrupted; nothing was left running", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # `chaoskit plan | head`
        sys.stderr.close()
        return OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chaoskit", description="Find out what breaks at the next stage of growth."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    init = commands.add_parser("init", help="write a starter: journeys, experiments, the ini line")
    add_starter_options(init)

    doctor = commands.add_parser("doctor", help="what is there, what is missing, and the remedy")
    doctor.set_defaults(run=_doctor)

    plan = commands.add_parser("plan", help="print the rewritten compose file; the links go to stderr")
    plan.add_argument("--links", action="store_true", help="only the table of links, to stdout")
    plan.set_defaults(run=_plan)

    up = commands.add_parser("up", help="start the system behind Toxiproxy, hold it, print addresses")
    up.add_argument("--keep", action="store_true", help="leave it running and return; `clean` removes it")
    up.set_defaults(run=_up)

    report = commands.add_parser("report", help="make one HTML file from journals; the report of a game day")
    report.add_argument(
        "journals",
        nargs="+",
        type=Path,
        metavar="JOURNAL",
        help="a journal, or a folder of them; in that of a game day also its after-action report",
    )
    report.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("report.html"),
        help="the file to write; default: report.html",
    )
    report.set_defaults(run=_report)

    clean = commands.add_parser("clean", help="remove what dead runs have left in the engine")
    clean.add_argument(
        "--unknown", action="store_true", help="also runs of other users or machines on the same engine"
    )
    clean.set_defaults(run=_clean)

    trend = commands.add_parser("trend", help="what got worse last night, and which experiments are flaky")
    trend.add_argument("file", nargs="?", help="the history; default: chaos_history of the ini file")
    trend.add_argument("--add", nargs="+", metavar="JOURNAL", default=[], help="add old journals first")
    trend.add_argument("--last", type=int, metavar="N", default=30, help="look at N nights; default 30")
    trend.add_argument("--json", action="store_true", help="all of it as JSON")
    trend.set_defaults(run=_trend)

    gameday = commands.add_parser("gameday", help="a planned exercise, watched on a live screen")
    add_gameday_options(gameday)
    gameday.set_defaults(run=_gameday)

    faults = commands.add_parser("faults", help="print the catalogue of faults and judgements, in Markdown")
    faults.set_defaults(run=_faults)

    for command in (doctor, plan, up):
        command.add_argument(
            "system",
            nargs="?",
            help="module:attribute of a System, or a compose file; default: chaos_system of the ini file",
        )
    return parser


def find_system(named: str | None, root: Path) -> System:
    """The system that a command is about.

    Args:
        named: ``module:attribute``, a compose file, or ``None`` for the ini file's ``chaos_system``.
        root: the folder to look from.

    Raises:
        UsageError: there is none.
    """
    from chaoskit.reference import load_system  # noqa: PLC0415 - so that --help needs no imports

    configured = _configured(root, "chaos_system")
    reference = named or (configured[0] if configured else None)
    if not reference:
        raise UsageError(
            "no system is named",
            where=str(root),
            remedy="give module:attribute or a compose file, or set chaos_system in the ini file",
        )
    if reference.endswith((".yaml", ".yml")) or (root / reference).is_file():
        return System.from_compose((root / reference).resolve(), journeys=[])
    return load_system(reference, root)


def _configured(root: Path, setting: str) -> tuple[str, Path] | None:
    """A setting as pytest would find it from ``root`` upwards, and the folder where it is set."""
    for folder in (root, *root.parents):
        for name, section in _INI_FILES:
            parser = configparser.ConfigParser(interpolation=None)
            parser.read(folder / name)
            if parser.has_option(section, setting):
                return parser.get(section, setting), folder
        for name, way in _TOML_FILES:
            found: Any = {}
            if (folder / name).is_file():
                found = tomllib.loads((folder / name).read_text(encoding="utf-8"))
            for key in (*way, setting):
                found = found.get(key, {})
            if found:
                return str(found), folder
    return None


def _doctor(options: argparse.Namespace) -> int:
    from chaoskit.doctor import examine  # noqa: PLC0415

    well = True
    for finding in examine(options.system, Path.cwd(), find_system):
        well = well and finding.well
        print(f"{'ok' if finding.well else 'MISSING':<8} {finding.what}: {finding.says}")
        if finding.remedy and not finding.well:
            print(f"{'':<8} → {finding.remedy}")
    return OK if well else TROUBLE


def _plan(options: argparse.Namespace) -> int:
    from chaoskit.compose import resolve, routed_networks  # noqa: PLC0415
    from chaoskit.interpose import interpose  # noqa: PLC0415
    from chaoskit.report.plan import render_compose, render_links  # noqa: PLC0415

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


def _up(options: argparse.Namespace) -> int:
    from chaoskit.clock import MonotonicClock  # noqa: PLC0415
    from chaoskit.runtime.docker import DockerRuntime  # noqa: PLC0415

    system = find_system(options.system, Path.cwd())
    clock = MonotonicClock()
    runtime = DockerRuntime(
        system, keep=options.keep, progress=lambda line: print(line, file=sys.stderr, flush=True)
    )
    try:
        runtime.start()
        for entry, address in sorted(runtime.entries.items()):
            print(f"{entry:<24} http://{address}", flush=True)
        for link in runtime.used_links():
            print(f"link  {link.name}", flush=True)
        for warning in runtime.warnings:
            print(f"warning: {warning}", file=sys.stderr, flush=True)
        if options.keep:
            print(f"left running as {runtime.run_id}; `chaoskit clean` removes it", flush=True)
            return OK
        print("ready; Ctrl-C removes everything", flush=True)
        while True:
            clock.sleep(3600.0)
    except KeyboardInterrupt:
        print("removing everything", file=sys.stderr, flush=True)
        return OK
    finally:
        runtime.close()


def _report(options: argparse.Namespace) -> int:
    from chaoskit.report import afteraction, page  # noqa: PLC0415

    sources = page.gather(options.journals)
    for line in sources.passed_over:
        print(f"passed over {line}", file=sys.stderr)
    for folder in sources.game_days:
        print("\n".join(f"{path}: after-action report" for path in afteraction.write(folder)))
    if not sources.journals:
        return OK
    path = page.write(options.output, sources)
    print(f"{path}: {len(sources.journals)} experiments, {path.stat().st_size / 1e6:.2f} MB")
    return OK


def _clean(options: argparse.Namespace) -> int:
    from chaoskit.runtime.engine import connect  # noqa: PLC0415
    from chaoskit.runtime.leftovers import clean  # noqa: PLC0415

    client = connect()
    try:
        cleaned = clean(client, unknown=options.unknown)
    finally:
        client.close()
    for run_id, project in cleaned.freed.items():
        print(f"took back what {run_id} had left in {project}")
    for run_id, removed in cleaned.removed.items():
        if run_id in cleaned.freed and not removed.containers:
            continue
        counts = f"{len(removed.containers)} containers, {len(removed.networks)} networks"
        print(f"removed {run_id}: {counts}, {len(removed.volumes)} volumes")
    for run in cleaned.alive:
        print(f"left alone {run.run_id}: its harness lives ({run.owner})")
    for run in cleaned.unknown:
        print(f"left alone {run.run_id}: another user or machine started it; --unknown removes it")
    for run_id, why in cleaned.failed.items():
        print(f"could not remove {run_id}: {why}", file=sys.stderr)
    if not (cleaned.removed or cleaned.alive or cleaned.unknown or cleaned.failed):
        print("nothing was left")
    return TROUBLE if cleaned.failed else OK


def _trend(options: argparse.Namespace) -> int:
    from chaoskit.trend.command import run  # noqa: PLC0415

    file = Path(options.file) if options.file else None
    if file is None and (found := _configured(Path.cwd(), "chaos_history")):
        file = found[1] / found[0]
    if file is None:
        raise UsageError(
            "no history is named",
            where=str(Path.cwd()),
            remedy="give its file, or set chaos_history in the ini file",
        )
    regressed = run(file, [Path(each) for each in options.add], last=options.last, as_json=options.json)
    return TROUBLE if regressed else OK


def _gameday(options: argparse.Namespace) -> int:
    from chaoskit.gameday.command import run  # noqa: PLC0415

    return run(options, find_system)


def _faults(options: argparse.Namespace) -> int:
    from chaoskit.catalogue import catalogue  # noqa: PLC0415

    print(catalogue(), end="")
    return OK


if __name__ == "__main__":
    sys.exit(main())
