"""A provider and a consumer that dials it all the time, in plain Compose and behind chaoskit.

The consumer prints what it meets, and when. Both systems run the same file, so every difference is
a difference that chaoskit makes. Only perl is needed inside, which every Debian has.
"""

from __future__ import annotations

import json
import secrets
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import docker

from chaoskit.containers.started.runtime import DockerRuntime
from chaoskit.interpose import COMPONENT_LABEL, RUN_LABEL
from chaoskit.system import System
from tests.integration.world import base_image

PORT = 7000

# Listens after ARGV[1] seconds and greets each client. SIGTERM ends it after ARGV[2] more seconds, in
# which it no longer listens but still answers on open connections.
PROVIDER = r"""
use IO::Socket::INET; use IO::Select; use Time::HiRes qw(time sleep); $| = 1;
my ($port, $after, $drain) = @ARGV; my $stop = 0; $SIG{TERM} = sub { $stop = time };
$SIG{PIPE} = "IGNORE"; sleep $after;
exit 0 if $stop;
my $server = IO::Socket::INET->new(LocalPort => $port, Listen => 64, ReuseAddr => 1) or die $!;
printf "listening %.3f\n", time;
my $all = IO::Select->new($server);
while (1) {
    for my $one ($all->can_read(0.05)) {
        if ($server && $one == $server) {
            my $c = $server->accept or next;
            syswrite $c, "hello\n"; $all->add($c);
        }
        elsif (sysread $one, my $text, 4096) { syswrite $one, $text }
        else { $all->remove($one); close $one }
    }
    if ($stop && $server) {
        $all->remove($server); close $server; $server = undef;
        printf "deaf %.3f\n", time;
    }
    exit 0 if $stop && time - $stop >= $drain;
}
"""

# Prints a line for each attempt: its start, its duration, what it met. It also holds one connection
# open, and "held" lines tell how that ends.
CONSUMER = r"""
use Socket qw(:all); use IO::Select; use Errno; use Fcntl; use Time::HiRes qw(time sleep); $| = 1;
my ($host, $port) = @ARGV; my ($held, $said);
sub name { my $n = shift; local $! = $n; for (keys %!) { return $_ if $!{$_} } return "errno$n" }
sub attempt {
    my ($wrong, @found) = getaddrinfo($host, $port, {socktype => SOCK_STREAM, family => AF_INET});
    if ($wrong) { my $code = $wrong + 0; return "unknown name" if $code == EAI_NONAME; return "EAI $code" }
    socket(my $s, AF_INET, SOCK_STREAM, 0); fcntl($s, F_SETFL, O_NONBLOCK);
    if (!connect($s, $found[0]{addr})) {
        return name($! + 0) unless $!{EINPROGRESS};
        return "no answer" unless IO::Select->new($s)->can_write(1);
        my $error = unpack "i", getsockopt($s, SOL_SOCKET, SO_ERROR);
        return name($error) if $error;
    }
    return "silent" unless IO::Select->new($s)->can_read(0.5);
    my $n = sysread $s, my $text, 4096;
    return "read " . name($! + 0) unless defined $n;
    return "closed" unless $n;
    $held ||= $s;
    return "open";
}
while (1) {
    my $began = time; my $met = attempt(); my $took = time - $began;
    printf "try %.4f %.4f %s\n", $began, $took, $met;
    if ($held) {
        my $until = time + 0.02;
        while ((my $left = $until - time) > 0) {
            if ($said) { sleep $left; next }
            next unless IO::Select->new($held)->can_read($left);
            my $n = sysread $held, my $text, 4096;
            next if $n;
            $said = defined $n ? "closed" : name($! + 0);
            printf "held %.4f 0 %s\n", time, $said;
        }
    }
    else { sleep 0.02 }
}
"""

Kind = Literal["plain", "chaoskit"]


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt of the consumer: epoch seconds, duration in seconds, and what it met."""

    at: float
    took: float
    met: str


class Place:
    """The pair in one of the two systems."""

    def __init__(self, client: docker.DockerClient, label: str, runtime: DockerRuntime | None) -> None:
        self.client = client
        self.runtime = runtime
        self._label = label

    def container(self, name: str) -> Any:
        """A component's container."""
        kind = COMPONENT_LABEL if self.runtime else "com.docker.compose.service"
        found = self.client.containers.list(
            all=True, filters={"label": [self._label, f"{kind}={name}"]}, ignore_removed=True
        )
        assert len(found) == 1, (name, found)
        return found[0]

    def lines(self, name: str) -> list[list[str]]:
        """The lines that a component has printed, split into words."""
        said: bytes = self.container(name).logs()
        return [line.split() for line in said.decode().splitlines()]

    def tries(self, after: float = 0.0, before: float = float("inf")) -> list[Try]:
        """The consumer's attempts between two moments."""
        found = [
            Try(float(w[1]), float(w[2]), " ".join(w[3:])) for w in self.lines("consumer") if w[0] == "try"
        ]
        return [each for each in found if after <= each.at < before]

    def held(self) -> Try | None:
        """The end of the connection that the consumer holds open."""
        for words in self.lines("consumer"):
            if words[0] == "held":
                return Try(float(words[1]), 0.0, " ".join(words[3:]))
        return None

    def said(self, word: str) -> list[float]:
        """When the provider printed ``listening`` or ``deaf``."""
        return [float(words[1]) for words in self.lines("provider") if words[0] == word]

    def until(self, holds: Callable[[], bool], timeout: float = 20.0) -> None:
        """Wait for a condition."""
        end = time.monotonic() + timeout
        while not holds():
            assert time.monotonic() < end, f"waited {timeout:g} s in vain; last: {self.tries()[-5:]}"
            time.sleep(0.05)

    def until_open(self, after: float = 0.0) -> None:
        """Wait until the consumer reaches the provider."""
        self.until(lambda: any(each.met == "open" for each in self.tries(after)))

    def ended(self) -> float:
        """When the provider's process ended, in epoch seconds."""
        container = self.container("provider")
        return datetime.fromisoformat(container.attrs["State"]["FinishedAt"]).timestamp()


def compose_file(
    folder: Path, image: str, *, after: float = 0.0, drain: float = 0.0, **provider: Any
) -> Path:
    """Write the pair's compose file."""

    def perl(script: str, *arguments: str) -> list[str]:
        return ["perl", "-e", script.replace("$", "$$"), *arguments]

    services: Mapping[str, Any] = {
        "provider": {
            "image": image,
            "command": perl(PROVIDER, str(PORT), str(after), str(drain)),
            "expose": [str(PORT)],
            **provider,
        },
        "consumer": {"image": image, "init": True, "command": perl(CONSUMER, "provider", str(PORT))},
    }
    path = folder / "compose.yaml"
    path.write_text(json.dumps({"services": services}))
    return path


@contextmanager
def running(client: docker.DockerClient, kind: Kind, folder: Path, **options: Any) -> Iterator[Place]:
    """The pair, started without waiting for readiness, and removed in the end."""
    path = compose_file(folder, base_image(client), **options)
    if kind == "chaoskit":
        with DockerRuntime(System(compose=(path,), journeys=())) as runtime:
            yield Place(client, f"{RUN_LABEL}={runtime.run_id}", runtime)
        return
    project = f"chaoskit-plain-{secrets.token_hex(4)}"
    compose = ["docker", "compose", "-p", project, "-f", str(path)]
    try:
        _call([*compose, "up", "--detach"])
        yield Place(client, f"com.docker.compose.project={project}", None)
    finally:
        _call([*compose, "down", "--volumes", "--timeout", "0"])


def _call(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def most(tries: Sequence[Try]) -> str:
    """What most of the attempts met."""
    return Counter(each.met for each in tries).most_common(1)[0][0] if tries else "nothing"


def typical(tries: Sequence[Try]) -> float:
    """The median duration of the attempts."""
    return statistics.median(each.took for each in tries)
