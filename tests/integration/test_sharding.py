"""Experiments in two workers at once, each with an environment of its own on one engine."""

from __future__ import annotations

import json
from ipaddress import IPv4Network
from itertools import product
from pathlib import Path

import docker
import pytest

from chaoskit.exitcodes import UNKNOWN
from chaoskit.interpose import RUN_LABEL
from chaoskit.trend import Store
from tests.integration.pair import PORT, PROVIDER
from tests.integration.world import base_image

pytestmark = pytest.mark.docker

# Answers any request; /read asks the database first.
WEB = r"""
use IO::Socket::INET; $SIG{CHLD} = "IGNORE"; my ($port, $db) = @ARGV;
my $server = IO::Socket::INET->new(LocalPort => $port, Listen => 64, ReuseAddr => 1) or die $!;
while (1) {
    my $c = $server->accept or next;
    if (fork) { close $c; next }
    my $asked = <$c>; while (my $line = <$c>) { last if $line =~ /^\r?$/ }
    my $good = 1;
    if ($asked =~ m{ /read }) {
        my $d = IO::Socket::INET->new(PeerAddr => "db", PeerPort => $db, Timeout => 1);
        $good = $d && defined <$d>;
    }
    my $status = $good ? "200 OK" : "503 No";
    print $c "HTTP/1.1 $status\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    exit 0;
}
"""

SHOP = """
    from pathlib import Path
    from chaoskit import Slo, System, journey

    slo = Slo(availability=0.9, recovery=20.0)

    @journey(rate=5, needs=["web"], slo=slo)
    async def look(user):
        (await user.get("/")).raise_for_status()

    @journey(rate=5, needs=["web", "db"], slo=slo)
    async def read(user):
        (await user.get("/read")).raise_for_status()

    shop = System.from_compose(Path(__file__).with_name("compose.yaml"), journeys=[look, read])
"""

EXPERIMENTS = """
    import json, os, time
    from pathlib import Path
    import docker
    from chaoskit import faults
    from chaoskit.interpose import RUN_LABEL

    def together(chaos, name, other):
        '''Both environments run at once; what this one takes of the machine is written down.'''
        runtime = chaos.runtime
        client = docker.from_env()
        networks = client.networks.list(filters={"label": f"{RUN_LABEL}={runtime.run_id}"})
        subnets = [each.attrs["IPAM"]["Config"][0]["Subnet"] for each in networks]
        client.close()
        part = Path(f"{name}.part")
        part.write_text(json.dumps({"run": runtime.run_id, "subnets": subnets,
                                    "entries": dict(runtime.entries), "pid": os.getpid()}))
        part.replace(f"{name}.json")
        last = time.monotonic() + 90
        while not Path(f"{other}.json").exists():
            assert time.monotonic() < last, f"{other} did not start"
            time.sleep(0.05)

    def test_kill(chaos):
        together(chaos, "kill", "cut")
        chaos.experiment(faults.Kill("db"), active=4.0).assert_held()

    def test_cut(chaos):
        together(chaos, "cut", "kill")
        chaos.experiment(faults.CutLink("web→db"), active=4.0).assert_held()
"""


def test_two_workers_never_collide(
    pytester: pytest.Pytester, client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two environments of one system run at once, each with its own subnets, ports and records, and
    nothing of them is left.
    """
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    monkeypatch.setenv("XDG_STATE_HOME", str(pytester.path / "state"))
    image = base_image(client)
    perl = {"image": image, "stop_grace_period": "1s"}
    services = {
        "web": {
            **perl,
            "command": ["perl", "-e", WEB.replace("$", "$$"), "8080", str(PORT)],
            "ports": ["8080"],
        },
        "db": {
            **perl,
            "command": ["perl", "-e", PROVIDER.replace("$", "$$"), str(PORT), "0", "0"],
            "expose": [str(PORT)],
        },
    }
    (pytester.path / "compose.yaml").write_text(json.dumps({"services": services}))
    pytester.makeini("[pytest]\nchaos_system = shop:shop\nchaos_history = history.sqlite")
    pytester.makepyfile(shop=SHOP, test_shop=EXPERIMENTS)
    result = pytester.runpytest_subprocess("-n2", "-p", "no:cacheprovider", timeout=240)
    assert result.ret in (0, UNKNOWN), "a machine that is too busy makes it unknown, never broken"
    told = [json.loads((pytester.path / f"{name}.json").read_text()) for name in ("kill", "cut")]
    for field in ("run", "pid", "entries"):
        assert told[0][field] != told[1][field], field
    subnets = [[IPv4Network(each) for each in one["subnets"]] for one in told]
    assert all(subnets)
    assert not any(one.overlaps(other) for one, other in product(*subnets))
    with Store(pytester.path / "history.sqlite") as store:
        entries = store.entries()
    assert {entry.environment for entry in entries} == {one["run"] for one in told}
    assert len({entry.run for entry in entries}) == 1
    journals = list((pytester.path / "chaoskit-report").glob("test_shop.*.json"))
    assert len(journals) == len(told) == 2
    for path in journals:
        marks = [mark["name"] for mark in json.loads(path.read_text())["history"]["marks"]]
        assert {"landed", "gone"} <= set(marks)
    for one in told:
        label: dict[str, str | list[str] | bool] = {"label": f"{RUN_LABEL}={one['run']}"}
        assert not client.containers.list(all=True, filters=label, ignore_removed=True)
        assert not client.networks.list(filters=label)
