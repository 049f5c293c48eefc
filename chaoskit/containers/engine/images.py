"""Getting every image that a system needs before it starts, or one error that names all missing images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import docker
from docker.errors import ImageNotFound

from chaoskit.containers.engine.client import ENGINE_ERRORS, calling, connect, last_line
from chaoskit.errors import ImageUnavailable

PULL_DEADLINE = 600
"""Seconds without an answer from a registry after which a pull has failed."""


@dataclass(frozen=True, slots=True)
class WantedImage:
    """An image that a service or chaoskit itself needs.

    Attributes:
        name: its name on the engine, with its tag or digest.
        user: the service, or the part of chaoskit, that runs it.
        built: whether Compose builds it.
        pull: whether it may be pulled from a registry.
        source: the name under which it is pulled, if that differs from ``name``; it is tagged afterwards.
        platform: its platform, such as ``linux/arm64``; empty for the engine's own.
        remedy: the remedy to show if it is unavailable.
    """

    name: str
    user: str
    built: bool = False
    pull: bool = True
    source: str = ""
    platform: str = ""
    remedy: str = ""


def wanted_images(config: Mapping[str, Any]) -> list[WantedImage]:
    """The images of a resolved compose configuration (``docker compose config``)."""
    found = []
    for service, spec in sorted(config.get("services", {}).items()):
        built = "build" in spec
        found.append(
            WantedImage(
                name=spec.get("image") or f"{config['name']}-{service}",
                user=f"service {service}",
                built=built,
                pull=not built and spec.get("pull_policy") not in ("never", "build"),
                platform=spec.get("platform") or "",
            )
        )
    return found


def ensure_images(
    client: docker.DockerClient,
    images: Iterable[WantedImage],
    build: Callable[[Sequence[str]], None],
    progress: Callable[[str], None] = lambda text: None,
) -> bool:
    """Build or pull every image that is not on the engine.

    Args:
        client: the engine.
        images: the images that are needed.
        build: builds the images of these services through Compose; raises ImageUnavailable with
            Compose's words.
        progress: takes a line for each step that takes time.

    Returns:
        Whether an image had to be built or pulled.

    Raises:
        ImageUnavailable: naming every unavailable image, what was tried and the remedy.
    """
    absent = [each for each in images if not is_present(client, each.name)]
    if to_build := sorted({each.user.removeprefix("service ") for each in absent if each.built}):
        progress(f"building {', '.join(to_build)}")
        build(to_build)
    # A built image also serves other services that name it.
    built = {each.name for each in absent if each.built}
    to_pull = {each.name: each for each in absent if each.name not in built}
    failures: list[tuple[WantedImage, str]] = []
    if to_pull:
        progress(f"pulling {', '.join(to_pull)}")
        errors = _pull_all(list(to_pull.values()))
        failures = [(each, text) for each, text in zip(to_pull.values(), errors, strict=True) if text]
    if failures:
        raise _unavailable(failures)
    return bool(absent)


def is_present(client: docker.DockerClient, name: str) -> bool:
    """Whether the engine has the image."""
    with calling(f"look for image {name}"):
        try:
            client.images.get(name)
        except ImageNotFound:
            return False
    return True


def _pull_all(images: Sequence[WantedImage]) -> list[str]:
    patient = connect(PULL_DEADLINE)
    try:
        with ThreadPoolExecutor(max_workers=4, thread_name_prefix="chaoskit-pull") as pool:
            return list(pool.map(lambda each: _pull(patient, each), images))
    finally:
        patient.close()


def _pull(client: docker.DockerClient, image: WantedImage) -> str:
    """Pull an image by its source or its own name; returns why that failed, or an empty text."""
    if not image.pull:
        return "its pull policy forbids pulling"
    try:
        # Without a tag the engine would pull all tags of the repository.
        name = image.source or image.name
        name = name if "@" in name or ":" in name.rpartition("/")[2] else f"{name}:latest"
        for message in client.api.pull(name, stream=True, decode=True, platform=image.platform or None):
            if "error" in message:
                return last_line(str(message["error"]))
        if image.source:
            repository, _, tag = image.name.rpartition(":")
            client.api.tag(image.source, repository, tag)
    except ENGINE_ERRORS as error:
        return last_line(str(getattr(error, "explanation", None) or error))
    return ""


def _unavailable(failures: Sequence[tuple[WantedImage, str]]) -> ImageUnavailable:
    names = ", ".join(image.name for image, _ in failures)
    plural = len(failures) > 1
    remedies = dict.fromkeys(image.remedy for image, _ in failures if image.remedy)
    what = f"images {names} are" if plural else f"image {names} is"
    return ImageUnavailable(
        f"{what} not on this engine and could not be pulled",
        where=", ".join(dict.fromkeys(image.user for image, _ in failures)),
        evidence="\n".join(f"pull of {image.source or image.name}: {text}" for image, text in failures),
        remedy="; ".join(
            remedies
            or ["check the name, log in to its registry (docker login), or build it (docker compose build)"]
        ),
    )
