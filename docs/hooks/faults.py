"""A page for each fault: its section of what ``chaoskit faults`` prints, and an example.

The first half knows nothing of MkDocs, so that the test suite can hold it to the code.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

EXAMPLES: Mapping[str, tuple[str, str]] = {
    "BotFlood": (
        'BotFlood("gateway", rate_per_s=2000, clients=20, path="/listings?page=1")',
        "Limit the rate of each client at the entry, before a request costs anything: nginx's `limit_req`, a "
        "gateway's quota. A limit in the application comes too late, and is seen by `stopped at the entry`.",
    ),
    "CacheLoss": (
        'CacheLoss("cache", how="hang")',
        "Bound the wait for the cache by a time-out well below the SLO, fall back to the source or to a "
        "stale copy, and let one request fill an emptied entry while the others wait or see the old one.",
    ),
    "ConnectionExhaustion": (
        'ConnectionExhaustion("postgres", user="reports", password="reports", limit=20)',
        "Put a pooler with a bound before the database, give each role a connection limit, and let the "
        "server end a statement after a time (`statement_timeout`).",
    ),
    "MidDeployRestart": (
        'MidDeployRestart("api", version_path="/release")',
        "Drain before the end: on SIGTERM become unready, finish what is in flight, then close. Let the "
        "entry retry an idempotent request on another replica, and send nothing to one that is not ready.",
    ),
    "ReplicaLag": (
        'ReplicaLag("replica", at_least=2.0)',
        "Read from the primary for as long as a user may still miss their own write, or wait until the "
        "replica has replayed it; watch the lag and leave out a replica that is too far behind.",
    ),
    "WorkerBacklog": (
        'WorkerBacklog(faults.RedisList("queue", "jobs"), workers="worker", jobs=100)',
        "Give jobs processes and connections of their own, bound how many run at once, and acknowledge a job "
        "after its work, not before.",
    ),
    "Bandwidth": ('Bandwidth("api→db", rate_bytes_per_s=20_000)', ""),
    "CutLink": ('CutLink("api→cache", how="silent")', ""),
    "Kill": ('Kill("worker")', ""),
    "Latency": ('Latency("api→db", delay=0.2)', ""),
    "Pause": ('Pause("search")', ""),
    "Reset": ('Reset("api→cache")', ""),
    "Restart": ('Restart("api-1")', ""),
}
"""Fault → how a test writes it, and what helps a system that breaks under it."""

_PAGE = """\
# {name}

{story}

{table}

{facts}

## In a test

```python
from chaoskit import faults


def test_{snake}(chaos):
    chaos.experiment(faults.{example}).assert_held()
```

In a [run book](../gameday.md#the-run-book) the same fields are written as YAML. Under
[`--chaos-attach`](../attach.md#what-it-may-touch) it works where what it touches was named.
{helps}"""


def sections(catalogue: str) -> dict[str, str]:
    """Fault → its section of the catalogue, without the heading."""
    faults = catalogue.partition("\n## Judgements\n")[0]
    found = re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", faults, re.MULTILINE | re.DOTALL)
    return {name: text.strip() for name, text in found}


def pages() -> dict[str, str]:
    """Fault → its page in Markdown, from what ``chaoskit faults`` prints."""
    from chaoskit.cli import main  # noqa: PLC0415 - only a build needs it

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        main(["faults"])
    return {name: _page(name, text) for name, text in sections(printed.getvalue()).items()}


def _page(name: str, section: str) -> str:
    story, fields, facts = re.split(r"\n\n(?=\| field )|\n\n(?=- \*\*)", section)
    example, helps = EXAMPLES[name]
    return _PAGE.format(
        name=name,
        story=story,
        table=f"## Fields\n\n{fields}",
        facts=f"## What is seen, and how it is undone\n\n{facts}",
        snake=re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(),
        example=example,
        helps=f"\n## What helps a system that breaks\n\n{helps}\n" if helps else "",
    )


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The pages stand in the navigation, the failures of growth first."""
    growth = [f"faults/{name}.md" for name, (_, helps) in EXAMPLES.items() if helps]
    primitives = [f"faults/{name}.md" for name, (_, helps) in EXAMPLES.items() if not helps]
    for section in config.nav or []:
        if "Faults" in section:
            section["Faults"] += [{"Failures of growth": growth}, {"Primitives": primitives}]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds them."""
    from mkdocs.structure.files import File  # noqa: PLC0415

    for name, text in pages().items():
        files.append(File.generated(config, f"faults/{name}.md", content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """In the site, what leads to a fault's section of the catalogue leads to its page."""
    names = {name.lower(): name for name in EXAMPLES}
    return re.sub(
        r"\]\(((?:\.\./)?)catalogue\.md#(\w+)\)",
        lambda link: f"]({link[1]}faults/{names[link[2]]}.md)" if link[2] in names else link[0],
        markdown,
    )
