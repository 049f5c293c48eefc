"""Missing images are built or pulled, or one error names them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from docker.errors import ImageNotFound

from chaoskit.containers.engine import images
from chaoskit.containers.engine.images import WantedImage, ensure_images, wanted_images
from chaoskit.errors import ImageUnavailable


class Engine:
    """An engine with some images, and a registry with others."""

    def __init__(self, here: Sequence[str] = (), registry: Sequence[str] = ()) -> None:
        self.here, self.registry = set(here), set(registry)
        self.pulled: list[str] = []
        self.images = self.api = self

    def get(self, name: str) -> None:
        """Like ``client.images.get``."""
        if name not in self.here:
            raise ImageNotFound("no such image")

    def pull(self, name: str, **options: Any) -> Iterator[dict[str, str]]:
        """Like ``client.api.pull`` with a stream."""
        self.pulled.append(name)
        if name not in self.registry:
            yield {"error": "pull access denied\n"}
        else:
            self.here.add(name)
            yield {"status": "done"}

    def tag(self, image: str, repository: str, tag: str) -> None:
        """Like ``client.api.tag``."""
        assert image in self.here
        self.here.add(f"{repository}:{tag}")

    def close(self) -> None:
        """Like ``client.close``."""


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine that pulls images itself."""
    made = Engine(here=["db:1"], registry=["cache:latest", "host:5000/app:latest"])
    monkeypatch.setattr(images, "connect", lambda deadline: made)
    return made


def nothing(services: Sequence[str]) -> None:
    """Build nothing; fail if a build is requested."""
    raise AssertionError(services)


def test_what_a_compose_configuration_needs() -> None:
    """A built service has the name that Compose gives it, and the policy ``never`` prevents a pull."""
    config = {
        "name": "shop",
        "services": {
            "api": {"build": {"context": "."}},
            "db": {"image": "db:1", "platform": "linux/arm64"},
            "worker": {"image": "shop-api", "pull_policy": "never"},
        },
    }
    assert wanted_images(config) == [
        WantedImage("shop-api", "service api", built=True, pull=False),
        WantedImage("db:1", "service db", platform="linux/arm64"),
        WantedImage("shop-api", "service worker", pull=False),
    ]


def test_nothing_is_fetched_when_all_is_here(engine: Engine) -> None:
    """If all images are on the engine, none is pulled or built."""
    assert not ensure_images(engine, [WantedImage("db:1", "service db")], nothing)  # type: ignore[arg-type]
    assert not engine.pulled


def test_an_image_of_another_name_gets_its_own(engine: Engine) -> None:
    """Toxiproxy is pulled under its makers' name, and then tagged with the name of a built one."""
    engine.registry.add("ghcr.io/shopify/toxiproxy:2.12.0")
    wanted_images = WantedImage(
        "chaoskit/toxiproxy:2.12.0", "chaoskit", source="ghcr.io/shopify/toxiproxy:2.12.0"
    )
    assert ensure_images(engine, [wanted_images], nothing)  # type: ignore[arg-type]
    assert "chaoskit/toxiproxy:2.12.0" in engine.here


def test_a_missing_image_is_pulled_by_one_tag(engine: Engine) -> None:
    """A name without a tag means latest, because the engine would otherwise pull every tag."""
    asked = [WantedImage("cache", "service cache"), WantedImage("host:5000/app", "service app")]
    assert ensure_images(engine, asked, nothing)  # type: ignore[arg-type]
    assert sorted(engine.pulled) == ["cache:latest", "host:5000/app:latest"]


def test_what_is_built_is_left_to_compose_and_serves_who_shares_it(engine: Engine) -> None:
    """A service that names the image of a built service is not pulled."""
    built: list[str] = []

    def build(services: Sequence[str]) -> None:
        built.extend(services)
        engine.here.add("shop-api")

    asked = [
        WantedImage("shop-api", "service api", built=True),
        WantedImage("shop-api", "service worker", pull=False),
    ]
    assert ensure_images(engine, asked, build)  # type: ignore[arg-type]
    assert built == ["api"]


def test_all_that_cannot_be_had_is_in_one_error(engine: Engine) -> None:
    """The error lists each unavailable image with its user, the attempt and the remedy."""
    asked = [
        WantedImage("gone:2", "service a"),
        WantedImage("local", "service b", pull=False),
        WantedImage("toxi:1", "chaoskit", remedy="make images"),
    ]
    with pytest.raises(ImageUnavailable) as caught:
        ensure_images(engine, asked, nothing)  # type: ignore[arg-type]
    text = str(caught.value)
    for part in (
        "gone:2, local, toxi:1",
        "service a, service b",
        "pull access denied",
        "forbids",
        "make images",
    ):
        assert part in text
