"""The files of a starter on disk: all of them or none, and no work of the user is overwritten."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chaoskit.errors import EnvironmentFailure, UsageError
from chaoskit.starter.ini import INI_FILES, with_system
from chaoskit.starter.texts import BEGIN

SYSTEM_FILE, TESTS_FILE = "resilience.py", "test_resilience.py"
SYSTEM_REFERENCE = "resilience:system"
README_FILE = "README.md"
SECTION_FILE = "RESILIENCE.md"
"""Takes the section on resilience where there is no README."""


@dataclass(frozen=True, slots=True)
class Change:
    """One file.

    Attributes:
        path: where it is.
        before: its text until now; ``None`` if there is no such file.
        after: its new text.
    """

    path: Path
    before: str | None
    after: str

    @property
    def says(self) -> str:
        """What happens to it, in one word."""
        if self.before is None:
            return "wrote"
        return "kept" if self.before == self.after else "changed"


def check(folder: Path, *, force: bool) -> None:
    """Check that a starter can be written, before anything is started for it.

    Raises:
        UsageError: files would be overwritten, all of which the error names; the ini file names another
            system; or the folder is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(
            "the starter cannot be written into a file", where=str(folder), remedy="name a folder with --into"
        )
    taken = [name for name in (SYSTEM_FILE, TESTS_FILE) if (folder / name).exists()]
    readme = section_file(folder)
    if readme.exists() and BEGIN in read(readme):
        taken.append(f"{readme.name} (its section on resilience)")
    if taken and not force:
        raise UsageError(
            "these files exist already and would be overwritten",
            where=str(folder),
            evidence="\n".join(taken),
            remedy="--force overwrites them; --into DIR writes elsewhere; --dry-run only prints",
        )
    with_system(ini_files(folder), SYSTEM_REFERENCE, force=force)


def section_file(folder: Path) -> Path:
    """The file that takes the section: the README, if there is one."""
    return folder / (README_FILE if (folder / README_FILE).is_file() else SECTION_FILE)


def ini_files(folder: Path) -> dict[str, str]:
    """The ini files of pytest that exist, with their text."""
    return {name: read(folder / name) for name in INI_FILES if (folder / name).is_file()}


def read(path: Path) -> str:
    """The text of a file, with its line ends as they are.

    Raises:
        UsageError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "the file cannot be read as UTF-8 text", where=str(path), evidence=str(error)
        ) from None


def write(changes: Sequence[Change]) -> None:
    """Write all of them. If one fails, or the user interrupts, restore all of them.

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
            temporary = _temporary_file(change)
            new.append((temporary, change))
        for temporary, change in new:
            done.append(change)
            temporary.replace(change.path)
    except BaseException as error:
        for change in done:
            _restore(change)
        for temporary, _ in new:
            temporary.unlink(missing_ok=True)
        for folder in reversed(folders):
            with contextlib.suppress(OSError):
                folder.rmdir()
        if isinstance(error, OSError):
            raise EnvironmentFailure(
                "the starter cannot be written; every file is as it was",
                where=str(error.filename or changes[0].path.parent),
                evidence=error.strerror or str(error),
                remedy="write it elsewhere with --into DIR, or print it with --dry-run",
            ) from None
        raise


def _missing(folders: Iterable[Path]) -> list[Path]:
    """The folders that do not exist yet, parents first."""
    found: list[Path] = []
    for folder in folders:
        wanted = [each for each in (folder, *folder.parents) if not each.exists()]
        found += [each for each in reversed(wanted) if each not in found]
    return found


def _temporary_file(change: Change) -> Path:
    """A temporary file beside the old one, with the new text and the old mode."""
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


def _restore(change: Change) -> None:
    if change.before is None:
        change.path.unlink(missing_ok=True)
    else:
        change.path.write_bytes(change.before.encode("utf-8"))
