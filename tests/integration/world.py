"""A small world for tests of links: a consumer and a provider, each alone with Toxiproxy.

Nothing but bash and perl is needed inside, which every Debian has.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import docker
from docker.errors import ImageNotFound

from chaoskit.containers.cleanup.removal import remove_run
from chaoskit.interpose import COMPONENT_LABEL, RUN_LABEL, Placed
from chaoskit.system import Link
from chaoskit.toxiproxy import Toxiproxies

TOXIPROXY = "chaoskit/toxiproxy:2.12.0"
PORT = 6379

# Answers each line with the same line; the line "close" closes the connection from this end.
ECHO = r"""
use IO::Socket::INET; $SIG{CHLD} = "IGNORE";
my $s = IO::Socket::INET->new(LocalPort => $ARGV[0], Listen => 64, ReuseAddr => 1) or die $!;
while (my $c = $s->accept) {
    if (fork) { close $c; next }
    while (defined(my $l = <$c>)) { last if $l =~ /^close/; print $c $l; $c->flush }
    exit 0;
}
"""

# Opens a connection, prints the result, then follows orders on stdin: "say TEXT SECONDS" and "wait SECONDS".
# It prints what came: the line, "closed", "nothing", or the errno's name.
CLIENT = r"""
use IO::Socket::INET; use IO::Select; use Errno; use Time::HiRes qw(time); $| = 1;
$SIG{PIPE} = "IGNORE";
sub name { my $n = $! + 0; for (keys %!) { return $_ if $!{$_} } return "errno $n" }
my $began = time;
my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1], Timeout => $ARGV[2]);
printf "%s %.3f\n", $s ? "connected" : name(), time - $began;
exit 0 unless $s;
sub heard {
    return "nothing" unless IO::Select->new($s)->can_read($_[0]);
    my $n = sysread $s, my $b, 4096;
    return name() unless defined $n;
    return "closed" unless $n;
    chomp $b; return $b;
}
while (my $l = <STDIN>) {
    chomp $l; my ($verb, @rest) = split / /, $l;
    if ($verb eq "say") {
        syswrite($s, "$rest[0]\n") or do { print name(), "\n"; next };
        print heard($rest[1]), "\n";
    }
    elsif ($verb eq "wait") { print heard($rest[0]), "\n" }
    else { close $s; print "bye\n"; exit 0 }
}
"""


def base_image(client: docker.DockerClient) -> str:
    """The image from which test containers are made."""
    named = os.environ.get("BASE_IMAGE")
    if named:
        return named
    try:
        client.images.get("chaoskit/base:bookworm")
    except ImageNotFound:
        return "debian:12.11-slim"
    return "chaoskit/base:bookworm"


class Talk:
    """One connection from the consumer, driven from the test."""

    def __init__(self, client: docker.DockerClient, container: str, listen: str, timeout: float) -> None:
        host, _, port = listen.rpartition(":")
        command = ["perl", "-e", CLIENT, host, port, str(timeout)]
        execution = client.api.exec_create(container, command, stdin=True)["Id"]
        stream: Any = client.api.exec_start(execution, socket=True)
        self._response, self._socket = stream._response, stream._sock
        self._socket.settimeout(30)
        self._text = b""
        word, seconds = self._line().split()
        self.met, self.after = word, float(seconds)

    def say(self, text: str, within: float) -> str:
        """Send a line; returns the answer."""
        return self._order(f"say {text} {within}")

    def wait(self, within: float) -> str:
        """Returns what comes without a request."""
        return self._order(f"wait {within}")

    def close(self) -> None:
        """Close it from the consumer's end."""
        if self.met == "connected":
            self._order("end")
        self.hang_up()

    def hang_up(self) -> None:
        """Stop following the client in the container, and leave it running."""
        self._response.close()
        self._socket.close()

    def _order(self, text: str) -> str:
        self._socket.sendall(text.encode() + b"\n")
        return self._line()

    def _line(self) -> str:
        """A line of its stdout; the engine puts a header of eight bytes before each piece."""
        while b"\n" not in self._text:
            header = self._read(8)
            self._text += self._read(int.from_bytes(header[4:], "big"))
        line, _, self._text = self._text.partition(b"\n")
        return line.decode()

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            if not more:
                raise EOFError(f"the client in the container ended; it said {self._text!r}")
            data += more
        return data


@dataclass
class World:
    """The test's view of this world."""

    client: docker.DockerClient
    run_id: str
    toxiproxies: Toxiproxies
    toxiproxy: str
    consumer: str
    provider: str
    placed: Placed
    talks: list[Talk] = field(default_factory=list)

    def connect(self, timeout: float = 5.0) -> Talk:
        """A new connection over the link, from the consumer."""
        talk = Talk(self.client, self.consumer, self.placed.listen, timeout)
        self.talks.append(talk)
        return talk

    def answers(self) -> bool:
        """Whether the provider answers the consumer."""
        talk = self.connect()
        heard = talk.met == "connected" and talk.say("hello", 1) == "hello"
        talk.hang_up()
        self.talks.clear()
        return heard

    def end_conversations(self) -> None:
        """Kill the provider's processes that serve a connection, so that the provider closes it."""
        script = "for p in /proc/[0-9]*/comm; do p=${p%/comm}; [ $p = /proc/1 ] || ! grep -qs perl $p/comm "
        script += "|| kill -9 ${p#/proc/}; done"
        self.client.containers.get(self.provider).exec_run(["bash", "-c", script])
        self.until(lambda: self.provider_connections() == 0)

    def restart_toxiproxy(self) -> None:
        """Kill and start Toxiproxy; its proxies are created again, and its API gets another port."""
        self.client.containers.get(self.toxiproxy).restart(timeout=0)
        self.toxiproxies.add_server("toxiproxy", "127.0.0.1", published(self.client, self.toxiproxy, 8474))
        self.toxiproxies.wait_for("toxiproxy", 20)
        self.make_proxy()

    def make_proxy(self) -> None:
        """Create the link's proxy."""
        placed = self.placed
        self.toxiproxies.create(
            "toxiproxy", placed.link.proxy, listen=placed.listen, upstream=placed.upstream, enabled=True
        )

    def until(self, holds: Callable[[], bool], within: float = 20.0) -> None:
        """Wait for a condition."""
        last = time.monotonic() + within
        while not holds():
            assert time.monotonic() < last, f"still not so after {within:g} s"
            time.sleep(0.05)

    def provider_connections(self) -> int:
        """The number of the provider's established connections."""
        script = f"grep -c ':{PORT:04X} [0-9A-F]*:[0-9A-F]* 01' /proc/net/tcp"
        output: Any = self.client.containers.get(self.provider).exec_run(["bash", "-c", script]).output
        return int(output)


def address(client: docker.DockerClient, container: str, network: str) -> str:
    """The container's address in a network."""
    networks = client.api.inspect_container(container)["NetworkSettings"]["Networks"]
    return str(networks[network]["IPAddress"])


def published(client: docker.DockerClient, container: str, port: int) -> int:
    """The port of this machine at which a container's port is published."""
    return int(
        client.api.inspect_container(container)["NetworkSettings"]["Ports"][f"{port}/tcp"][0]["HostPort"]
    )


def container(
    client: docker.DockerClient, run_id: str, image: str, command: Sequence[str], **more: Any
) -> str:
    """Start a container of the run."""
    labels = {RUN_LABEL: run_id, **more.pop("labels", {})}
    made = client.containers.create(image, list(command), labels=labels, stop_signal="SIGKILL", **more)
    made.start()
    return str(made.id)


@contextmanager
def world(client: docker.DockerClient, run_id: str) -> Iterator[World]:
    """Start this world, wait until the provider answers through Toxiproxy, and remove it afterwards."""
    labels = {RUN_LABEL: run_id}
    inside, beyond = f"{run_id}-consumer", f"{run_id}-provider"
    try:
        for name in (inside, beyond):
            client.networks.create(name, internal=True, labels=labels)
        image = base_image(client)
        toxiproxy = container(
            client, run_id, TOXIPROXY, ["-host=0.0.0.0"], ports={"8474/tcp": ("127.0.0.1", None)}
        )
        for name in (inside, beyond):
            client.networks.get(name).connect(toxiproxy)
        provider = container(
            client,
            run_id,
            image,
            ["perl", "-e", ECHO, str(PORT)],
            network=beyond,
            labels={COMPONENT_LABEL: "db"},
        )
        idle = ["sleep", "infinity"]
        consumer = container(client, run_id, image, idle, network=inside, labels={COMPONENT_LABEL: "api"})
        placed = Placed(
            Link("api", "db", PORT),
            "toxiproxy",
            f"{address(client, toxiproxy, inside)}:{PORT}",
            f"{address(client, provider, beyond)}:{PORT}",
        )
        port = published(client, toxiproxy, 8474)
        toxiproxies = Toxiproxies({"toxiproxy": ("127.0.0.1", port)})
        toxiproxies.wait_for("toxiproxy", 20)
        made = World(client, run_id, toxiproxies, toxiproxy, consumer, provider, placed)
        made.make_proxy()
        made.until(made.answers)
        yield made
        for talk in made.talks:
            talk.hang_up()
    finally:
        remove_run(client, run_id)
