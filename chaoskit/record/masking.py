"""Secrets in the text of others: a log line shows a password as ``***``.

A value counts as a secret by the name of its variable, as a Compose secret, or by its place: in a URL or in
a header. A short value, a word or a number stays, since it occurs in much text that is not secret, and a log
full of asterisks helps no reader. In a URL or in a header such a value is masked all the same.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote

import yaml

MASK = "***"
"""The text in the place of a secret."""

SHORTEST_SECRET = 6
"""Characters; a shorter value is not masked."""

LONGEST_WORD = 16
"""Characters from which on letters alone are not taken for a word, or digits alone for a number."""

_SECRET_WORD = re.compile(
    r"""PASS(?:WORD|WD|PHRASE)?|PWD|SECRETS?|TOKENS?|KEYS?|CREDENTIALS?|AUTH|COOKIE|SALT
        |.*(?:PASSWORD|PASSWD|SECRET|TOKEN|(?:API|SECRET|ACCESS|PRIVATE)KEY)""",
    re.VERBOSE,
)
_PLACE_WORDS = frozenset({"FILE", "PATH", "DIR"})
"""Last words of variables that say where a secret is, and do not hold it."""

_WORKING_FOLDERS = frozenset({"PWD", "OLDPWD"})

_URL = re.compile(
    r"""(?P<before>[a-z][a-z0-9+.-]*://[^\s/:@"'<>]*:)
        (?!\d+(?:[/?\#\s,]|$))                # a port, not a password
        (?P<password>(?:(?!://)[^\s"'<>])+)@  # up to the last @ of this URL: passwords hold some""",
    re.VERBOSE | re.IGNORECASE,
)

_HEADER = re.compile(
    r"""(?P<lead>(?P<around>["']?)\b(?:proxy-authorization|authorization|set-cookie|cookie)\b)
        (?:
          (?P<to>\\*["']?\s*[:=,]\s*b?\\*(?P<quote>["']))(?:\\.|(?!(?P=quote)).)+  # a quoted value
        | (?P<colon>\s*:\s*)(?:(?!(?P=around)).)+                               # in quotes as a whole
        | (?P<rest>\\*["']?\s*[:=]\s*)\S.*                                         # to the end of the line
        )""",
    re.VERBOSE | re.IGNORECASE,
)


class Masker:
    """Masks known secrets.

    Args:
        secrets: values that must not be shown. Short values, words and numbers are left out, and of a value
            of several lines each line counts.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        lines = {line.strip() for value in secrets for line in (value, *value.splitlines())}
        known = {form for line in lines if _telling(line) for form in _forms(line)}
        longest_first = sorted(known, key=len, reverse=True)
        # The look-ahead also finds a secret that begins inside another one.
        self._values = re.compile(f"(?=({'|'.join(map(re.escape, longest_first))}))") if known else None

    def text(self, text: str) -> str:
        """The text with ``***`` for each secret in it; secrets that overlap become one mask."""
        text = self._known(text)
        if "://" in text:
            text = _URL.sub(rf"\g<before>{MASK}@", text)
        return self._known(_HEADER.sub(_header, text))

    def _known(self, text: str) -> str:
        """The text without the known values. A mask and the text beside it may be a secret again."""
        while self._values is not None:
            spans: list[tuple[int, int]] = []
            for low, high in (found.span(1) for found in self._values.finditer(text)):
                if spans and low < spans[-1][1]:
                    spans[-1] = (spans[-1][0], max(high, spans[-1][1]))
                else:
                    spans.append((low, high))
            if not spans:
                break
            for low, high in reversed(spans):
                text = f"{text[:low]}{MASK}{text[high:]}"
        return text


def secrets_of(environment: Mapping[str, str]) -> Iterator[str]:
    """The values of variables with a secret name, and the passwords in variables that hold URLs."""
    for name, value in environment.items():
        if secret_name(name):
            yield value
        for found in _URL.finditer(value):
            yield found["password"]
            yield unquote(found["password"])


def secret_name(name: str) -> bool:
    """Whether a variable of this name holds a secret itself: ``DB_PASSWORD``, not ``DB_PASSWORD_FILE``."""
    name = name.upper()
    words = re.split(r"[^A-Z0-9]+", name)
    if name in _WORKING_FOLDERS or words[-1] in _PLACE_WORDS:
        return False
    return any(map(_SECRET_WORD.fullmatch, words))


def compose_secrets(files: Sequence[Path], environment: Mapping[str, str]) -> Iterator[str]:
    """The values of the secrets that compose files declare at their top level, where they can be read.

    A secret that cannot be read, or that only Compose finds (``include``, variables in a path), is left out.

    Args:
        files: the compose files; paths in them start at the folder of the first one.
        environment: variables from which secrets may come; they override those of the process.
    """
    for file in files:
        for secret in _declared(file):
            with contextlib.suppress(OSError, ValueError, TypeError):
                if isinstance(secret.get("file"), str):
                    yield (files[0].parent / secret["file"]).read_text(encoding="utf-8")
                elif variable := secret.get("environment"):
                    yield environment.get(variable) or os.environ.get(variable, "")


def _declared(file: Path) -> list[Mapping[str, Any]]:
    try:
        told = yaml.safe_load(file.read_text(encoding="utf-8"))
        declared = (told.get("secrets") or {}).values()
    except (OSError, ValueError, AttributeError, yaml.YAMLError):
        return []
    return [each for each in declared if isinstance(each, Mapping)]


def _telling(value: str) -> bool:
    """Whether the value occurs nowhere but as itself: it is not short, not a word and not a number."""
    if len(value) < SHORTEST_SECRET:
        return False
    return len(value) >= LONGEST_WORD or not (value.isalpha() or value.isdigit())


def _forms(value: str) -> set[str]:
    """A value as it is, as it stands in URLs, and as it stands in JSON strings."""
    quoted = {quote(value, safe=""), quote(value), quote_plus(value)}
    lower = {re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), form) for form in quoted}
    return {value, *quoted, *lower, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}


def _header(found: re.Match[str]) -> str:
    between = found["to"] or found["colon"] or found["rest"]
    return f"{found['lead']}{between}{MASK}"
