"""A system that its owner started, with plain Compose and a Toxiproxy of the owner's.

``app`` answers HTTP with the answer of ``cache``, which it reaches through the proxy ``cache_master``;
that proxy has a toxic of the owner's. ``cache_spare`` leads to ``spare``, and its owner disabled it. So
does ``app→spare:6379``, whose name is not ASCII.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import httpx

from tests.integration.world import ECHO, PORT, TOXIPROXY, base_image
from tests.waiting import until

# One process for each request, which asks the cache once.
APP = r"""
use IO::Socket::INET; $SIG{CHLD} = "IGNORE"; $SIG{PIPE} = "IGNORE";
my $s = IO::Socket::INET->new(LocalPort => 8000, Listen => 128, ReuseAddr => 1) or die $!;
while (my $c = $s->accept) {
    if (fork) { close $c; next }
    while (defined(my $l = <$c>)) { last if $l =~ /^\r?\n$/ }
    my $b = IO::Socket::INET->new(PeerAddr => $ENV{CACHE}, Timeout => 2);
    my $r; if ($b) { syswrite $b, "hello\n"; $r = <$b> }
    my $body = defined $r ? $r : "nothing\n"; my $status = defined $r ? "200 OK" : "503 Unavailable";
    print $c "HTTP/1.1 $status\r\nContent-Length: ", length $body, "\r\nConnection: close\r\n\r\n$body";
    exit 0;
}
"""

PROXIES: Sequence[Mapping[str, Any]] = (
    {"name": "cache_master", "listen": "0.0.0.0:26379", "upstream": f"cache:{PORT}", "enabled": True},
    {"name": "cache_spare", "listen": "0.0.0.0:26380", "upstream": f"spare:{PORT}", "enabled": False},
    {"name": "app→spare:6379", "listen": "0.0.0.0:26381", "upstream": f"spare:{PORT}", "enabled": True},
)
OWN_TOXIC = {"name": "mine", "type": "latency", "stream": "upstream", "attributes": {"latency": 3}}


def compose(image: str) -> dict[str, Any]:
    """The compose file, in which ``$`` is doubled for Compose."""
    echo = ["perl", "-e", ECHO.replace("$", "$$"), str(PORT)]
    plain = {"image": image, "stop_signal": "SIGKILL"}
    return {
        "services": {
            "toxiproxy": {
                "image": TOXIPROXY,
                "command": ["-host=0.0.0.0"],
                "ports": ["127.0.0.1::8474"],
                "stop_signal": "SIGKILL",
            },
            "cache": {**plain, "command": echo},
            "spare": {**plain, "command": echo},
            "app": {
                **plain,
                "command": ["perl", "-e", APP.replace("$", "$$")],
                "environment": {"CACHE": "toxiproxy:26379"},
                "ports": ["127.0.0.1::8000"],
                "deploy": {"replicas": 2},
            },
        }
    }


@dataclass(frozen=True, slots=True)
class Foreign:
    """The system, as its owner sees it."""

    client: docker.DockerClient
    project: str

    def containers(self) -> dict[str, dict[str, Any]]:
        """Its containers: ``service-number`` → the engine's data."""
        label = {"label": f"com.docker.compose.project={self.project}"}
        found = {}
        for each in self.client.api.containers(all=True, filters=label):
            labels = each["Labels"]
            name = f"{labels['com.docker.compose.service']}-{labels['com.docker.compose.container-number']}"
            found[name] = self.client.api.inspect_container(each["Id"])
        return found

    def entry(self, name: str, port: int) -> str:
        """The address at which a port is published."""
        (binding,) = self.containers()[name]["NetworkSettings"]["Ports"][f"{port}/tcp"]
        return f"http://127.0.0.1:{binding['HostPort']}"

    def proxies(self) -> Any:
        """All proxies of its Toxiproxy with their toxics, as the API gives them."""
        return httpx.get(f"{self.entry('toxiproxy-1', 8474)}/proxies", timeout=10, trust_env=False).json()

    def status(self, name: str) -> str:
        """The status of a container."""
        return str(self.containers()[name]["State"]["Status"])

    def ask(self, timeout: float = 5.0) -> tuple[int, float]:
        """What a user gets: the status, and the duration in seconds."""
        began = time.monotonic()
        answer = httpx.get(f"{self.entry('app-1', 8000)}/", timeout=timeout, trust_env=False)
        return answer.status_code, time.monotonic() - began

    def started(self) -> dict[str, tuple[str, str]]:
        """Container → its id and its start time."""
        return {name: (each["Id"], each["State"]["StartedAt"]) for name, each in self.containers().items()}


@contextmanager
def foreign(client: docker.DockerClient, folder: Path) -> Iterator[Foreign]:
    """Start the system as its owner would, and remove it in the end."""
    project = f"foreign-{secrets.token_hex(3)}"
    file = folder / "compose.json"
    file.write_text(json.dumps(compose(base_image(client))), encoding="utf-8")
    command = ["docker", "compose", "-p", project, "-f", str(file)]
    try:
        subprocess.run([*command, "up", "-d"], check=True, capture_output=True)
        made = Foreign(client, project)
        api = made.entry("toxiproxy-1", 8474)

        def answers() -> bool:
            try:
                return httpx.get(f"{api}/version", timeout=5, trust_env=False).is_success
            except httpx.HTTPError:
                return False

        until(answers, within=20)
        for proxy in PROXIES:
            httpx.post(f"{api}/proxies", json=proxy, trust_env=False).raise_for_status()
        toxics = f"{api}/proxies/cache_master/toxics"
        httpx.post(toxics, json=OWN_TOXIC, trust_env=False).raise_for_status()
        until(lambda: made.ask()[0] == 200, within=20)
        yield made
    finally:
        down = [*command, "down", "--timeout", "0", "--volumes"]
        subprocess.run(down, check=True, capture_output=True)
