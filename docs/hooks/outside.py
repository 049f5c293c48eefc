"""Files of the repository that pages link to: in the site they are copies, so that every link works offline.

A text such as CONTRIBUTING.md becomes a page under "Project"; any other file is published as it is.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ("CONTRIBUTING.md", "CHANGELOG.md", "CODE_OF_CONDUCT.md", "SECURITY.md")
_LINK = re.compile(r"(\]\()(?!\w+:|#)([^)\s#]+)(#[^)\s]*)?(\))")


def inside(target: str) -> str:
    """Where the site has a file of the repository, by its path from the root."""
    if target == "README.md":
        return "index.md"
    if target.startswith("docs/"):
        return target.removeprefix("docs/")
    if target in PROJECT:
        return f"project/{target}"
    published = target.lstrip(".")  # MkDocs passes over hidden files
    return f"repository/{published}{'.txt' if target.endswith('.md') else ''}"


def rewrite(markdown: str, folder: str, page: str) -> str:
    """The text with each relative link as it is in the site.

    Args:
        markdown: the text.
        folder: the folder of its file in the repository: ``docs`` or ``docs/reference``, or nothing.
        page: its path in the site.
    """

    def link(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, found[2]))
        if folder.startswith("docs") and target.startswith("docs/"):
            return found[0]
        there = posixpath.relpath(inside(target), posixpath.dirname(page) or ".")
        return f"{found[1]}{there}{found[3] or ''}{found[4]}"

    return _LINK.sub(link, markdown)


def wanted() -> set[str]:
    """Every file of the repository, outside of ``docs``, that a page links to."""
    found = set()
    pages = [*(ROOT / "docs").rglob("*.md"), *(ROOT / name for name in PROJECT)]
    for page in (path for path in pages if path.is_file()):
        folder = page.parent.relative_to(ROOT).as_posix()
        for _, target, _, _ in _LINK.findall(page.read_text(encoding="utf-8")):
            path = posixpath.normpath(posixpath.join(folder, target))
            if (ROOT / path).is_file() and inside(path).startswith("repository/"):
                found.add(path)
    return found


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The project's own texts stand in the navigation."""
    there = [f"project/{name}" for name in PROJECT if (ROOT / name).is_file()]
    config.nav = [
        {"Project": there} if "Project" in each else each
        for each in config.nav or []
        if there or "Project" not in each
    ]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds them."""
    from mkdocs.structure.files import File  # noqa: PLC0415 - tests load this module without MkDocs

    for name in (name for name in PROJECT if (ROOT / name).is_file()):
        text = (ROOT / name).read_text(encoding="utf-8")
        content = rewrite(text, "", f"project/{name}")
        files.append(File.generated(config, f"project/{name}", content=content))
    for path in sorted(wanted()):
        files.append(File.generated(config, inside(path), content=(ROOT / path).read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """A page of ``docs`` links to the copies."""
    source = page.file.src_uri
    if page.file.generated_by is not None:
        return markdown
    folder = posixpath.dirname(f"docs/{source}")
    return rewrite(markdown, folder, source)
