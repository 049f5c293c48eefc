"""A document that is run: its files are written, its commands executed, their output compared.

A fenced block in ``console`` holds commands (lines that begin with ``$``) and what they print. Any
other block says in a comment before it which file it is about::

    <!-- file: shop.py -->
    <!-- edit: shop.py, from "cache = " to "class Page" -->
    <!-- append: test_resilience.py -->

In an output a line ``...`` stands for any lines, ``…`` for anything within a line, a number for any
number, and blanks for any blanks: what is promised is what the words say.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*) -->\n+)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S
)
_EDIT = re.compile(r'edit: (\S+), from "(.+)" to "(.+)"')
_NUMBER = re.compile(r"\d+(?:\.\d+)*")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
        mark: the comment before it.
        language: as written after the fence.
        text: what is in it.
        line: where it begins in the document.
    """

    mark: str
    language: str
    text: str
    line: int

    @property
    def commands(self) -> Iterator[tuple[str, str]]:
        """Commands and what each prints."""
        for part in re.split(r"(?m)^\$ ", self.text)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def blocks(document: str) -> tuple[Block, ...]:
    """All blocks of a document in Markdown, in their order."""
    return tuple(
        Block(
            found["mark"] or "",
            found["language"],
            found["text"],
            document.count("\n", 0, found.start("language")) + 1,
        )
        for found in _BLOCK.finditer(document)
    )


def write(block: Block, folder: Path) -> None:
    """Do to a file what a block says."""
    verb, _, name = block.mark.partition(": ")
    if verb == "file":
        (folder / name).write_text(block.text, encoding="utf-8")
    elif verb == "append":
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(f"\n\n{block.text}")
    elif edit := _EDIT.fullmatch(block.mark):
        path = folder / edit[1]
        text = path.read_text(encoding="utf-8")
        begin = text.index(edit[2])
        end = text.index(edit[3], begin)
        old = text[begin:end]
        apart = old[len(old.rstrip("\n")) :]  # what stood between it and what follows still does
        path.write_text(text[:begin] + block.text.rstrip("\n") + apart + text[end:], encoding="utf-8")
    else:
        raise ValueError(f"line {block.line}: a block of {block.language!r} that does not say what it is")


def run(command: str, folder: Path, environment: Mapping[str, str], timeout: float = 300) -> str:
    """What a command prints, on both streams and in their order."""
    ran = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    return ran.stdout


def like(expected: str, printed: str) -> bool:
    """Whether a command printed what the document shows."""
    pattern = ""
    for line in expected.rstrip().splitlines():
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += _line(line) + r"[ \t]*\n"
    return re.fullmatch(pattern + r"\s*", printed.rstrip() + "\n") is not None


def _line(line: str) -> str:
    words = []
    for word in line.split():
        literal = "".join(
            _NUMBER.pattern if _NUMBER.fullmatch(part) else ".*?" if part == "…" else re.escape(part)
            for part in re.split(r"(\d+(?:\.\d+)*|…)", word)
        )
        words.append(literal)
    return r"[ \t]*" + r"[ \t]+".join(words)
