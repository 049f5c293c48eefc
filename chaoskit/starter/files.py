"""The files of a starter on disk: all of them or none, and nobody's work overwritten."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chaoskit.errors import EnvironmentFailure, UsageError
from chaoskit.starter.ini import FILES, with_system
from chaoskit.starter.texts import BEGIN

SYSTEM, TESTS = "resilience.py", "test_resilience.py"
REFERENCE = "resilience:system"
README, ALONE = "README.md", "RESILIENCE.md"


@dataclass(frozen=True, slots=True)
class Change:
    """One file.

    Attributes:
        path: where.
        before: its text until now; ``None`` if there is no such file.
        after: its text from now on.
    """

    path: Path
    before: str | None
    after: str

    @property
    def says(self) -> str:
        """What happens to it, one word."""
        if self.before is None:
            return "wrote"
        return "kept" if self.before == self.after else "changed"


def check(folder: Path, *, force: bool) -> None:
    """See that a starter can be written, before anything is started for it.

    Raises:
        UsageError: a file is there that would have to be overwritten, with all of them; the ini file
            names another system; or the folder is none.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError("the starter needs a folder to be written into", where=str(folder))
    taken = [name for name in (SYSTEM, TESTS) if (folder / name).exists()]
    readme = section_file(folder)
    if readme.exists() and BEGIN in read(readme):
        taken.append(f"{readme.name} (its section on resilience)")
    if taken and not force:
        raise UsageError(
            "these are there already, and would be overwritten",
            where=str(folder),
            evidence="\n".join(taken),
            remedy="--force overwrites them; --into writes elsewhere; --dry-run only prints",
        )
    with_system(ini_files(folder), REFERENCE, force=force)


def section_file(folder: Path) -> Path:
    """Where the section goes: into the README, if there is one."""
    return folder / (README if (folder / README).is_file() else ALONE)


def ini_files(folder: Path) -> dict[str, str]:
    """Those of pytest's ini files that are there, with their text."""
    return {name: read(folder / name) for name in FILES if (folder / name).is_file()}


def read(path: Path) -> str:
    """The text of a file, its line ends as they are.

    Raises:
        UsageError: it is no text in UTF-8, or cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("a file cannot be read", where=str(path), evidence=str(error)) from None


def write(changes: Sequence[Change]) -> None:
    """Write all of them. If one fails, or the user interrupts, all are as they were.

    Raises:
        EnvironmentFailure: a file cannot be written.
    """
    folders = _missing(change.path.parent for change in changes)
    new: list[tuple[Path, Change]] = []
    done: list[Change] = []
    try:
        for folder in folders:
            folder.mkdir()
        for change in (each for each in changes if each.before != each.after):
            temporary = _beside(change)
            new.append((temporary, change))
        for temporary, change in new:
            done.append(change)
            temporary.replace(change.path)
    except BaseException as error:
        for change in done:
            _put_back(change)
        for temporary, _ in new:
            temporary.unlink(missing_ok=True)
        for folder in reversed(folders):
            with contextlib.suppress(OSError):
                folder.rmdir()
        if isinstance(error, OSError):
            raise EnvironmentFailure(
                "the starter cannot be written; everything is as it was",
                where=str(error.filename or changes[0].path.parent),
                evidence=error.strerror or str(error),
                remedy="--into another folder, or --dry-run to print it",
            ) from None
        raise


def _missing(folders: Iterable[Path]) -> list[Path]:
    """The folders that have to be made, parents first."""
    found: list[Path] = []
    for folder in folders:
        wanted = [each for each in (folder, *folder.parents) if not each.exists()]
        found += [each for each in reversed(wanted) if each not in found]
    return found


def _beside(change: Change) -> Path:
    """The new text in a file beside the old one, with its mode."""
    handle, name = tempfile.mkstemp(dir=change.path.parent, prefix=f".{change.path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(change.after.encode("utf-8"))
        mode = change.path.stat().st_mode & 0o777 if change.before is not None else 0o666 & ~_umask()
        temporary.chmod(mode)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _put_back(change: Change) -> None:
    if change.before is None:
        change.path.unlink(missing_ok=True)
    else:
        change.path.write_bytes(change.before.encode("utf-8"))
