"""What the containers of a compose project are called, by the labels that Compose puts on them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from chaoskit.interpose import COMPONENT_LABEL, RUN_LABEL
from chaoskit.interpose.members import component_name
from chaoskit.system import Component

PROJECT: Final = "com.docker.compose.project"
_SERVICE: Final = "com.docker.compose.service"
_NUMBER: Final = "com.docker.compose.container-number"
_ONE_OFF: Final = "com.docker.compose.oneoff"
_REPLICA: Final = re.compile(r"(.+)-(\d+)")

Labels = Mapping[str, str]


class Naming:
    """Names as chaoskit gives them: the service's, with the replica's number where there are several.

    A system that chaoskit itself left running (``chaoskit up --keep``) tells its names by a label.

    Args:
        everyone: the labels of every container of the project.
    """

    def __init__(self, everyone: Iterable[Labels | None]) -> None:
        self._numbers: defaultdict[str, set[int]] = defaultdict(set)
        self._replicas: defaultdict[str, set[int]] = defaultdict(set)
        for labels in everyone:
            if labels and counts(labels):
                self._numbers[labels[_SERVICE]].add(_number(labels))
                if replica := _REPLICA.fullmatch(labels.get(COMPONENT_LABEL, "")):
                    self._replicas[replica[1]].add(int(replica[2]))

    def name(self, labels: Labels | None) -> str | None:
        """What the container is called; ``None`` for one that does not count."""
        if not labels or not counts(labels):
            return None
        if COMPONENT_LABEL in labels:
            return labels[COMPONENT_LABEL]
        service = labels[_SERVICE]
        return component_name(service, _number(labels), len(self._numbers[service]))

    def component(self, inspected: Mapping[str, Any]) -> Component | None:
        """The container as a component; ``None`` for one of chaoskit's own, or that does not count."""
        config = inspected.get("Config") or {}
        labels: Labels = config.get("Labels") or {}
        name = self.name(labels)
        if name is None or (RUN_LABEL in labels and COMPONENT_LABEL not in labels):
            return None
        service, index = labels[_SERVICE], _number(labels)
        if COMPONENT_LABEL in labels:
            replica = _REPLICA.fullmatch(name)
            several = replica is not None and len(self._replicas[replica[1]]) > 1
            service, index = (replica[1], int(replica[2])) if replica and several else (name, 1)
        return Component(name, service, index, str(config.get("Image", "")))


def counts(labels: Labels) -> bool:
    """Whether it is a container of a service, and no single command (``docker compose run``)."""
    return _SERVICE in labels and labels.get(_ONE_OFF, "False").lower() != "true"


def _number(labels: Labels) -> int:
    text = labels.get(_NUMBER, "1")
    return int(text) if text.isdigit() else 1
