"""Putting another release of a component in its place, as a deploy does it."""

from __future__ import annotations

import io
import secrets
import tarfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from docker.errors import NotFound

from chaoskit.errors import ChaoskitError, RuntimeFailure
from chaoskit.interpose import Interposed
from chaoskit.runtime.cuts import Cuts
from chaoskit.runtime.engine import Containers, calling, state_of
from chaoskit.runtime.lifecycle import Lifecycle
from chaoskit.runtime.successor import copied_files, sharing, successor
from chaoskit.runtime.watch import Watcher


class Replacing:
    """Replaces containers; several components may be replaced at a time.

    The new container is made before the old one is stopped, and the old one removed when the new
    one has started. So at every moment there is one that can be started: whoever starts the
    component after a crash in the middle (an undo) gets a system that is whole.

    Args:
        containers, lifecycle, watcher, cuts, interposed: those of the run.
    """

    def __init__(
        self,
        containers: Containers,
        lifecycle: Lifecycle,
        watcher: Watcher,
        cuts: Cuts,
        interposed: Interposed,
    ) -> None:
        self._containers = containers
        self._api: Any = containers.client.api
        self._lifecycle = lifecycle
        self._watcher = watcher
        self._cuts = cuts
        self._interposed = interposed

    def sharing(self, component: str) -> tuple[str, ...]:
        """The components that share a namespace with it."""
        return sharing(self._interposed, component) if component in self._interposed.services else ()

    def replace(
        self,
        component: str,
        *,
        image: str | None = None,
        environment: Mapping[str, str | None] | None = None,
        grace: float = 10.0,
    ) -> None:
        """See :meth:`chaoskit.runtime.Runtime.replace`."""
        if others := self.sharing(component):
            raise RuntimeFailure(
                f"{component} cannot be replaced by itself",
                where=f"component {component}",
                evidence=f"it shares a namespace with {', '.join(others)}, which would lose it",
                remedy="replace a component that is alone in its network",
            )
        old = self._containers.id(component)
        inspected = self._containers.inspect(component)
        ran = state_of(inspected).status in ("running", "paused", "restarting")
        new = self._make(component, inspected, image, environment or {})
        try:
            # While it is down the watcher refuses its links, and lets what it still answers end. It
            # is not waited for: a Toxiproxy that dials nobody is held up until somebody has the
            # address again, or for three to nine seconds.
            self._lifecycle.stop(component, grace)
            with calling("start the new release of", component):
                self._api.start(new)
        except ChaoskitError as error:
            after = self._take_back(component, old, new, again=ran)
            raise RuntimeFailure(
                f"{component} could not be replaced; {after}",
                where=f"component {component}",
                limit=error.limit,
                evidence=f"{error.what}: {error.evidence}" if error.evidence else error.what,
                remedy="see whether the new release starts by itself, with docker run",
            ) from error
        self._containers.succeed(component, old, new)
        self._watcher.refresh(component)
        self._cuts.forget(old)
        with calling("remove the old container of", component), suppress(NotFound):
            self._api.remove_container(old, v=True, force=True)
        with calling("name the new container of", component):
            self._api.rename(new, inspected["Name"].lstrip("/"))

    def _make(
        self,
        component: str,
        inspected: Mapping[str, Any],
        image: str | None,
        environment: Mapping[str, str | None],
    ) -> str:
        """A container that waits to be started, under a name of its own."""
        new = ""
        name = f"{inspected['Name'].lstrip('/')}-{secrets.token_hex(3)}"
        try:
            with calling("make the new release of", component):
                before = self._api.inspect_image(inspected["Image"])
                body = successor(inspected, before, image=image, environment=environment)
                new = str(self._api.create_container_from_config(body, name=name)["Id"])
                self._copy(inspected["Id"], new, copied_files(self._interposed, component))
        except RuntimeFailure as error:
            if new:
                self._discard(new)
            missing = image is not None and "No such image" in (error.evidence or "")
            error.what += f"; {component} was left as it was"
            error.remedy = f"build or pull {image} first" if missing else error.remedy
            raise
        return new

    def _copy(self, old: str, new: str, paths: Iterable[str]) -> None:
        """Files that Compose put into the old container, which no mount brings along."""
        for path in paths:
            stream, _ = self._api.get_archive(old, path)
            packed = io.BytesIO()
            with (
                tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as source,
                tarfile.open(fileobj=packed, mode="w") as target,
            ):
                for member in source.getmembers():
                    content = source.extractfile(member)
                    member.name = path.lstrip("/")
                    target.addfile(member, content)
            self._api.put_archive(new, "/", packed.getvalue())

    def _take_back(self, component: str, old: str, new: str, *, again: bool) -> str:
        """Without the new container, and with the old one as it was; what came of that, in words."""
        left = self._discard(new)
        told = f"its new container is still there ({left}); " if left else ""
        if not again:
            return f"{told}it is down, as it was"
        try:
            with calling("start", component):
                self._api.start(old)
        except RuntimeFailure as error:
            return f"{told}the one before could not be started again ({error.evidence})"
        self._watcher.refresh(component)
        return f"{told}the one before was started again"

    def _discard(self, new: str) -> str:
        try:
            with calling("remove the new container"):
                self._api.remove_container(new, v=True, force=True)
        except RuntimeFailure as error:
            return error.evidence or error.what
        return ""
