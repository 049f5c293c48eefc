"""When sidecars are started, replaced and removed; tests/integration tests what they do."""

from __future__ import annotations

from typing import Any

import pytest
from docker.errors import BuildError, ImageNotFound, NotFound

from chaoskit.containers.engine.nettools import IMAGE, Nettools
from chaoskit.errors import ImageUnavailable, RuntimeFailure


class Engine:
    """The parts of an engine that sidecars need: client, ``api``, ``containers``, ``images`` in one object.

    Attributes:
        running: container → its start time; a container that is not in it is not running.
        sidecars: the existing sidecars, id → the options with which they were created.
        images_here: the images on the engine.
        buildable: whether a build works.
    """

    def __init__(self) -> None:
        self.api = self.containers = self.images = self
        self.running = {"toxiproxy": "noon"}
        self.sidecars: dict[str, dict[str, Any]] = {}
        self.images_here = {IMAGE}
        self.buildable = True
        self.built: list[dict[str, Any]] = []
        self.ran: list[str] = []
        self.refusals = self.losses = 0

    def inspect_container(self, container: str) -> dict[str, Any]:
        started = self.running.get(container)
        status = "running" if started else "exited"
        return {"State": {"Running": started is not None, "Status": status, "StartedAt": started}}

    def create(self, image: str, **options: Any) -> Any:
        if image not in self.images_here:
            raise ImageNotFound("no such image")
        name = f"sidecar-{len(self.sidecars) + 1}"
        self.sidecars[name] = options
        return type("Created", (), {"id": name, "start": lambda self: None})()

    def exec_create(self, sidecar: str, command: list[str]) -> dict[str, str]:
        assert sidecar in self.sidecars
        self.ran.append(sidecar)
        assert command[:2] == ["timeout", "--kill-after=1"]
        return {"Id": "x"}

    def exec_start(self, execution: str) -> bytes:
        if self.losses:
            self.losses -= 1
            return b""
        self.refusals -= 1
        return b"said" if self.refusals < 0 else b"OCI runtime exec failed: connection reset by peer"

    def exec_inspect(self, execution: str) -> dict[str, int]:
        return {"ExitCode": 0 if self.refusals < 0 else 126}

    def remove_container(self, sidecar: str, *, force: bool, v: bool) -> None:
        if sidecar not in self.sidecars:
            raise NotFound("gone")
        del self.sidecars[sidecar]

    def get(self, image: str) -> None:
        if image not in self.images_here:
            raise ImageNotFound("no such image")

    def build(self, **options: Any) -> None:
        self.built.append(options)
        if not self.buildable:
            raise BuildError("E: unable to fetch nftables", iter(()))
        self.images_here.add(IMAGE)


@pytest.fixture
def engine() -> Engine:
    """An engine with a running container and the image."""
    return Engine()


@pytest.fixture
def nettools(engine: Engine) -> Nettools:
    """The sidecars of a run on that engine."""
    client: Any = engine
    return Nettools(client, "run")


def test_a_sidecar_is_started_once_and_removed(engine: Engine, nettools: Nettools) -> None:
    """Several commands share a sidecar, which carries the run's label and is gone after close."""
    for _ in range(3):
        assert nettools.run("toxiproxy", ["nft"], timeout=1, admin=True).output == "said"
    (options,) = engine.sidecars.values()
    assert options["labels"]["org.chaoskit.run"] == "run"
    nettools.close()
    assert engine.sidecars == {}
    nettools.close()


def test_a_command_that_could_not_be_begun_is_tried_again(engine: Engine, nettools: Nettools) -> None:
    """A busy engine refuses occasionally; a lasting refusal is reported in its own words."""
    engine.refusals = 2
    assert nettools.run("toxiproxy", ["nft"], timeout=1, admin=True).output == "said"
    engine.refusals = 1000
    refused = nettools.run("toxiproxy", ["nft"], timeout=1, admin=True)
    assert refused.exit_code == 126
    assert len(engine.ran) == 3 + 5


def test_words_that_the_engine_loses_are_asked_for_again(engine: Engine, nettools: Nettools) -> None:
    """Only a command that always prints is run again; another silent command has been run."""
    engine.losses, engine.refusals = 3, -1
    assert nettools.run("toxiproxy", ["nft", "-j"], timeout=1, admin=True, prints=True).output == "said"
    assert len(engine.ran) == 4
    engine.losses = 1
    assert nettools.run("toxiproxy", ["nft"], timeout=1, admin=True).output == ""
    assert len(engine.ran) == 5


def test_only_who_changes_the_network_may(engine: Engine, nettools: Nettools) -> None:
    """A sidecar gets NET_ADMIN only if requested, and is never privileged or writable."""
    nettools.run("toxiproxy", ["nft"], timeout=1, admin=True)
    nettools.run("toxiproxy", ["bash"], timeout=1)
    admin, plain = engine.sidecars.values()
    assert (admin["cap_add"], plain["cap_add"]) == (["NET_ADMIN"], [])
    for options in (admin, plain):
        assert options["cap_drop"] == ["ALL"]
        assert options["read_only"]
        assert options["network_mode"] == "container:toxiproxy"
        assert not options.keys() & {"privileged", "volumes", "mounts", "ports", "pid_mode"}


def test_a_container_that_was_started_again_gets_a_new_one(engine: Engine, nettools: Nettools) -> None:
    """The old sidecar is still in the network that its container has left, so it is replaced."""
    nettools.run("toxiproxy", ["nft"], timeout=1, admin=True)
    assert nettools.known("toxiproxy")
    engine.running["toxiproxy"] = "one o'clock"
    assert not nettools.known("toxiproxy")
    nettools.run("toxiproxy", ["nft"], timeout=1, admin=True)
    assert nettools.known("toxiproxy")
    assert len(engine.sidecars) == 1


def test_a_container_that_does_not_run_is_an_error(engine: Engine, nettools: Nettools) -> None:
    """The error has the container's status, and no sidecar is started."""
    engine.running.clear()
    with pytest.raises(RuntimeFailure, match="is not running") as caught:
        nettools.run("toxiproxy", ["nft"], timeout=1)
    assert caught.value.evidence == "it is exited"
    assert engine.sidecars == {}


@pytest.mark.parametrize(
    ("bases", "base"),
    [
        ({"chaoskit/base:bookworm", "debian:12.11-slim"}, "chaoskit/base:bookworm"),
        ({"debian:12.11-slim"}, "debian:12.11-slim"),
        (set(), "debian:12.11-slim"),
    ],
)
def test_a_missing_image_is_built(engine: Engine, nettools: Nettools, bases: set[str], base: str) -> None:
    """It is built from the package's recipe, on an existing base or else on Debian's own."""
    engine.images_here = bases
    nettools.run("toxiproxy", ["nft"], timeout=1)
    (built,) = engine.built
    assert (built["tag"], built["buildargs"]) == (IMAGE, {"BASE": base})
    assert built["path"].endswith("chaoskit/images/nettools")


def test_an_image_that_cannot_be_built_is_named(engine: Engine, nettools: Nettools) -> None:
    """The error has the image, the reason and the remedy."""
    engine.images_here, engine.buildable = set(), False
    with pytest.raises(ImageUnavailable, match="chaoskit/nettools:2") as caught:
        nettools.run("toxiproxy", ["nft"], timeout=1)
    assert caught.value.evidence == "E: unable to fetch nftables"
    assert "make images" in (caught.value.remedy or "")
