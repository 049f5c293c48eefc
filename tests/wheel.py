"""The distribution that users would get: built, checked, and installed where nothing else is.

``python -m tests.wheel [--tag TAG] [PYTHON ...]`` builds the sdist, and the wheel from the sdist;
compares what they hold with the repository; has ``twine`` check both; then makes an empty virtual
environment for each interpreter, installs the wheel there with its dependencies, and uses it. Without
names it takes each supported Python that is on the PATH. With ``--tag`` (the release workflow) the tag
must name the version, and the changelog must have a dated section for it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

BESIDE_THE_PACKAGE = {"CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml"}
"""What an sdist must hold for people who read or package it."""

COMMAND_SECONDS = 600.0
"""How long one command may take; the longest installs dependencies over a slow network."""

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
"""For what runs in an empty environment: no PYTHONPATH may lead back to this repository."""

_USE = """
import importlib.metadata, sys
import chaoskit, chaoskit.faults
for module in (chaoskit, chaoskit.faults):
    for name in module.__all__:
        getattr(module, name)
built, told = importlib.metadata.version("chaoskit"), chaoskit.__version__
assert built == told, f"the metadata names {built}, chaoskit.__version__ is {told}"
sys.stdout.write(str(len(chaoskit.__all__) + len(chaoskit.faults.__all__)))
"""
"""Imports each public name, as a user's own module would; prints how many there are."""


class Unfit(Exception):
    """The distribution must not be published; the text says why."""


def supported() -> list[str]:
    """The versions of Python that the classifiers name, such as ``3.11``."""
    pattern = re.compile(r"Programming Language :: Python :: (3\.\d+)")
    return [found[1] for each in PROJECT["classifiers"] if (found := pattern.fullmatch(each))]


def pythons_here(versions: Iterable[str]) -> dict[str, str | None]:
    """For each version the interpreter on the PATH. A version manager may leave names that do not run."""
    found: dict[str, str | None] = {}
    for version in versions:
        candidates = [shutil.which(f"python{version}"), sys.executable]
        found[version] = next((each for each in candidates if each and version_of(each) == version), None)
    return found


def version_of(python: str) -> str | None:
    """``3.12`` for an interpreter that runs, else ``None``."""
    asks = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        said = subprocess.run([python, "-ISc", asks], capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return None
    return said.stdout.strip() if said.returncode == 0 else None


def check_tag(tag: str, version: str, changelog: str) -> None:
    """A release is what its tag says, and is told in the changelog.

    Raises:
        Unfit: the tag names another version, or the changelog has no dated section for it.
    """
    if tag != f"v{version}":
        raise Unfit(f"the tag is {tag}, and chaoskit/__init__.py has version {version}: one of them is wrong")
    if not re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE):
        raise Unfit(
            f"CHANGELOG.md has no section '## [{version}] - YYYY-MM-DD': give what is unreleased its date"
        )


def check_contents(wheel: Iterable[str], sdist: Iterable[str], package: Iterable[str]) -> None:
    """Both hold the whole package; the wheel holds nothing else, the sdist what people read.

    Args:
        wheel: names of the files in the wheel.
        sdist: those in the sdist, without its top folder.
        package: those of the package in the repository, as ``chaoskit/…``.

    Raises:
        Unfit: a file is missing or too many.
    """
    wanted = set(package)
    installed = {name for name in wheel if ".dist-info/" not in name}
    if installed != wanted:
        raise Unfit(
            f"the wheel lacks {sorted(wanted - installed)} and has {sorted(installed - wanted)} besides;"
            " see [tool.hatch.build.targets] in pyproject.toml"
        )
    if not any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel):
        raise Unfit("the wheel has no LICENSE; see license-files in pyproject.toml")
    if lacks := (wanted | BESIDE_THE_PACKAGE) - set(sdist):
        raise Unfit(f"the sdist lacks {sorted(lacks)}; see [tool.hatch.build.targets.sdist]")


def check_doctor(code: int, output: str) -> None:
    """``chaoskit doctor`` may find that something is missing here, but must say so by itself.

    Raises:
        Unfit: it ended in another way.
    """
    if code not in (0, 1) or "Traceback" in output or "Python" not in output:
        raise Unfit(f"`chaoskit doctor` ended with exit code {code}:\n{output}")


def build(into: Path) -> tuple[Path, Path]:
    """Build the sdist, and the wheel from it, with the build backend of the development environment.

    Returns:
        The wheel and the sdist.
    """
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(into), str(ROOT)])
    (wheel,), (sdist,) = into.glob("*.whl"), into.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = archive.namelist()
    with tarfile.open(sdist) as archive:
        in_sdist = [each.name.partition("/")[2] for each in archive if each.isfile()]
    here = (path for path in (ROOT / "chaoskit").rglob("*") if path.is_file() and path.suffix != ".pyc")
    check_contents(in_wheel, in_sdist, [path.relative_to(ROOT).as_posix() for path in here])
    return wheel, sdist


def install(wheel: Path, python: str, folder: Path) -> Path:
    """Make an empty virtual environment and install the wheel; returns the environment's interpreter."""
    run([python, "-m", "venv", str(folder)])
    inside = folder / "bin" / "python"
    run([str(inside), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel)])
    run([str(inside), "-m", "pip", "check", "--disable-pip-version-check"])
    return inside


def use(python: Path) -> str:
    """Use what is installed beside an interpreter; returns a line about it."""
    chaoskit = str(python.with_name("chaoskit"))
    with tempfile.TemporaryDirectory() as empty:  # so that no file of the repository can help
        names = run([str(python), "-Ic", _USE], Path(empty))
        run([chaoskit, "--help"], Path(empty))
        doctor = subprocess.run(
            [chaoskit, "doctor"],
            cwd=empty,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    check_doctor(doctor.returncode, doctor.stdout)
    return f"{names} public names, --help, doctor (exit code {doctor.returncode})"


def run(command: Sequence[str], folder: Path | None = None) -> str:
    """What a command prints.

    Raises:
        Unfit: it failed.
    """
    ran = subprocess.run(
        command,
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    if ran.returncode:
        raise Unfit(f"{' '.join(command)}: exit code {ran.returncode}\n{ran.stdout}")
    return ran.stdout


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, check, install, use; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.wheel", description="Build and try the wheel.")
    parser.add_argument("--tag", help="the tag of the release, as v1.2.3")
    parser.add_argument("pythons", nargs="*", metavar="PYTHON", help="default: those on the PATH")
    options = parser.parse_args(arguments)
    try:
        _try_out(options.tag, options.pythons)
    except Unfit as error:
        print(f"wheel: {error}", file=sys.stderr)
        return 1
    return 0


def _try_out(tag: str | None, pythons: Sequence[str]) -> None:
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    wheel, sdist = build(dist)
    if tag:
        check_tag(tag, wheel.name.split("-")[1], (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    run([sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(sdist)])
    print(f"built and checked: {wheel.name}, {sdist.name}", flush=True)
    if not pythons:
        here = pythons_here(supported())
        pythons = [python for python in here.values() if python]
        if missing := [version for version, python in here.items() if not python]:
            print(f"not on the PATH, so not tried: Python {', '.join(missing)}; PYTHONS=… names interpreters")
    for python in pythons:
        version = version_of(python)
        if version is None:
            raise Unfit(f"{python} does not run: name an interpreter that does")
        with tempfile.TemporaryDirectory() as folder:
            print(f"Python {version}: {use(install(wheel, python, Path(folder)))}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
