"""``chaoskit init``: start the system, measure it with nothing at fault, and write the starter."""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from chaoskit.clock import MonotonicClock
from chaoskit.errors import UsageError
from chaoskit.factories import runtime_for
from chaoskit.starter import files
from chaoskit.starter.files import Change
from chaoskit.starter.ini import with_system
from chaoskit.starter.model import Starter
from chaoskit.starter.survey import survey
from chaoskit.starter.texts import declaration, experiments, section, with_section
from chaoskit.system import System

SECONDS_PER_EXPERIMENT = 22
"""About how long an experiment takes with the default timing."""

_COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")


def write_starter(
    compose: Path | None,
    into: Path,
    *,
    force: bool = False,
    dry_run: bool = False,
    seconds: float = 5.0,
    paths: Sequence[str] = (),
) -> None:
    """Write a starter. Print each file, and what to do next.

    Args:
        compose: the compose file; ``None`` finds it in this folder as Compose does.
        into: the folder to write into.
        force: overwrite an earlier starter.
        dry_run: print the files instead of writing them.
        seconds: how long the journeys are measured.
        paths: the paths that entries are asked for first.

    Raises:
        UsageError: there is no such file, it publishes no port, no entry answers HTTP, or files would be
            overwritten; nothing was written.
        EnvironmentFailure: the system cannot be started, or a file cannot be written.
    """
    file, folder = _file(compose), into.expanduser().resolve()
    _check_options(seconds, paths)
    if not dry_run:
        files.check(folder, force=force)
    system = System(compose=(file,), journeys=())
    clock = MonotonicClock()
    began = clock.now()

    def tell(line: str) -> None:
        nonlocal began
        if line.startswith("starting "):  # images are here now; a recovery does not pull them again
            began = clock.now()
        print(line, file=sys.stderr, flush=True)

    runtime = runtime_for(system, tell=tell)
    planned = runtime.plan()
    if not planned.interposed.entries:
        raise UsageError(
            "the compose file publishes no port, so the system has no entry for its users",
            where=str(file),
            remedy='publish a port, as in ports: ["8080:8080"]; nothing was started',
        )
    try:
        runtime.start()
        ready_after = clock.now() - began
        starter = survey(
            runtime,
            planned.resolved.config,
            compose=os.path.relpath(file, folder).replace(os.sep, "/"),
            date=f"{datetime.datetime.now().astimezone():%Y-%m-%d}",
            seconds=seconds,
            ready_after=ready_after,
            paths=paths,
            tell=tell,
        )
    finally:
        runtime.close()
    changes = _changes(folder, starter, force=force)
    if dry_run:
        for change in changes:
            print(f"# ---- {_shown(change.path)}\n{change.after}")
        return
    files.check(folder, force=force)  # again, since a minute has passed
    files.write(changes)
    _report(changes, starter)


def _file(named: Path | None) -> Path:
    if named is not None:
        return named.expanduser().resolve()
    found = next((Path(name) for name in _COMPOSE_FILES if Path(name).is_file()), None)
    if found is None:
        raise UsageError(
            "there is no compose file here",
            where=str(Path.cwd()),
            evidence=f"looked for {', '.join(_COMPOSE_FILES)}",
            remedy="name the file: chaoskit init path/to/compose.yaml",
        )
    return found.resolve()


def _check_options(seconds: float, paths: Sequence[str]) -> None:
    if not 1.0 <= seconds <= 300.0:
        raise UsageError(f"--seconds is {seconds:g}; it must be from 1 to 300")
    for path in paths:
        if not path.startswith("/") or any(each.isspace() for each in path):
            raise UsageError(f"--path is {path!r}; it must start with / and contain no spaces")


def _changes(folder: Path, starter: Starter, *, force: bool) -> list[Change]:
    inis = files.ini_files(folder)
    ini, text = with_system(inis, files.SYSTEM_REFERENCE, force=force)
    readme = files.section_file(folder)
    tests = os.path.relpath(folder / files.TESTS_FILE).replace(os.sep, "/")
    described = section(starter, files.TESTS_FILE)
    found = [
        _change(folder / files.SYSTEM_FILE, declaration(starter)),
        _change(folder / files.TESTS_FILE, experiments(starter)),
        Change(folder / ini, inis.get(ini), text),
        _change(readme, with_section(files.read(readme) if readme.is_file() else "", described)),
    ]
    compile(found[0].after, tests, "exec")  # no file with a syntax error gets onto the disk
    compile(found[1].after, tests, "exec")
    return found


def _change(path: Path, after: str) -> Change:
    return Change(path, files.read(path) if path.is_file() else None, after)


def _report(changes: Sequence[Change], starter: Starter) -> None:
    for change in changes:
        print(f"{change.says:<8} {_shown(change.path)}")
    active = sum(trial.active for trial in starter.trials)
    seconds = active * SECONDS_PER_EXPERIMENT
    print(f"journeys: {len(starter.visits)}, experiments: {active}; running them takes about {seconds} s:")
    print(f"  pytest {_shown(next(each.path for each in changes if each.path.name == files.TESTS_FILE))} -v")


def _shown(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
