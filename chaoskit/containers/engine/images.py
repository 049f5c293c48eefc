"""Every image that a system needs is there before anything starts, or one error says which is not."""

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
"""Seconds without a word from a registry after which a pull has failed."""


@dataclass(frozen=True, slots=True)
class WantedImage:
    """An image that something needs.

    Attributes:
        name: as the engine knows it, with its tag or digest.
        user: the service, or the part of chaoskit, that runs it.
        built: whether Compose builds it.
        pull: whether a registry may be asked.
        source: the name to pull it by, if that is another one; it gets its own name then.
        platform: as ``linux/arm64``; empty for the engine's own.
        remedy: what helps if it cannot be had.
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
    """Build or pull what is not on the engine.

    Args:
        client: the engine.
        images: what is needed.
        build: builds these services' images through Compose; raises ImageUnavailable in Compose's words.
        progress: told what takes time.

    Returns:
        Whether anything had to be built or pulled.

    Raises:
        ImageUnavailable: naming every image that cannot be had, what was tried and the remedy.
    """
    absent = [each for each in images if not is_present(client, each.name)]
    if to_build := sorted({each.user.removeprefix("service ") for each in absent if each.built}):
        progress(f"building {', '.join(to_build)}")
        build(to_build)
    built = {each.name for each in absent if each.built}  # for others, too, that name the same image
    to_pull = {each.name: each for each in absent if each.name not in built}
    failures: list[tuple[WantedImage, str]] = []
    if to_pull:
        progress(f"pulling {', '.join(to_pull)}")
        said = _pull_all(list(to_pull.values()))
        failures = [(each, text) for each, text in zip(to_pull.values(), said, strict=True) if text]
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
    """Pull by the very name that was asked for, or by its source's; why not, or an empty text."""
    if not image.pull:
        return "its pull policy forbids to ask a registry"
    try:
        # Without a tag the engine would pull all tags of the repository.
        name = image.source or image.name
        name = name if "@" in name or ":" in name.rpartition("/")[2] else f"{name}:latest"
        for told in client.api.pull(name, stream=True, decode=True, platform=image.platform or None):
            if "error" in told:
                return last_line(str(told["error"]))
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
        f"{what} neither on this engine nor to be had",
        where=", ".join(dict.fromkeys(image.user for image, _ in failures)),
        evidence="\n".join(f"pulled {image.source or image.name}: {text}" for image, text in failures),
        remedy="; ".join(
            remedies
            or ["check the name, log in to its registry (docker login), or build it (docker compose build)"]
        ),
    )
