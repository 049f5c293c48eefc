"""A guest in a system that chaoskit did not start touches only what was named, and leaves it unchanged."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from chaoskit.containers.attached.runtime import AttachedRuntime
from chaoskit.containers.leftovers import clean
from chaoskit.errors import UsageError
from chaoskit.faults import CutLink, Fault, Kill, Latency, Pause
from chaoskit.faults.base import Evidence, check
from chaoskit.interpose import RUN_LABEL
from chaoskit.runtime import Toxic
from tests.integration.foreign import Foreign, compose, foreign
from tests.integration.test_up import COMMAND, FILE
from tests.integration.world import base_image

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("state")]

WITHIN = 10.0
"""Seconds after the death of the harness within which its faults are gone: the promise."""


@pytest.fixture(scope="module")
def theirs(client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Foreign]:
    """A system that its owner started."""
    with foreign(client, tmp_path_factory.mktemp("foreign")) as made:
        yield made


@pytest.fixture
def untouched(theirs: Foreign) -> Iterator[Callable[..., None]]:
    """Checks that everything is unchanged, except for the start times of given components."""
    proxies, started = theirs.proxies(), theirs.started()

    def check(*restarted: str) -> None:
        assert theirs.proxies() == proxies
        now = theirs.started()
        assert {name: each[0] for name, each in now.items()} == {n: each[0] for n, each in started.items()}
        assert {n for n in now if now[n] != started[n]} <= set(restarted)
        assert {theirs.status(name) for name in now} == {"running"}

    yield check
    check("app-1", "app-2", "cache-1")


def proven(look: Callable[[], Evidence]) -> Evidence:
    """The evidence once it holds, or the last evidence."""
    last = time.monotonic() + 10.0
    while not (evidence := look()).holds and time.monotonic() < last:
        time.sleep(0.05)
    return evidence


def test_faults_work_on_what_was_named_and_leave_no_trace(
    theirs: Foreign, untouched: Callable[..., None], client: docker.DockerClient
) -> None:
    """Latency, cuts, a pause and a kill land with evidence, reach users, and are seen to be gone; the owner's
    toxic, disabled proxy and everything else are unchanged.
    """
    with AttachedRuntime(theirs.project, touch=["app", "app→cache", "cache", "app→spare"]) as runtime:
        assert [each.name for each in runtime.components] == ["app-1", "app-2", "cache", "spare"]
        links = {each.name: each for each in runtime.links}
        assert links.keys() == {"app→cache:6379", "app→spare:6379", "any→spare:6379"}
        assert f"http://{runtime.entries['app-1:8000']}" == theirs.entry("app-1", 8000)
        felt: dict[Fault, Callable[[], bool]] = {
            Latency("→cache", delay=0.5): lambda: theirs.ask()[1] > 0.5,
            CutLink("app→cache", how="refuse"): lambda: theirs.ask()[0] == 503,
            CutLink("cache_master", how="hang"): lambda: "mine" in str(theirs.proxies()["cache_master"]),
            CutLink("app→spare"): lambda: not theirs.proxies()["app→spare:6379"]["enabled"],
            Latency("app→spare"): lambda: len(theirs.proxies()["app→spare:6379"]["toxics"]) == 1,
            Pause("app-2"): lambda: theirs.status("app-2") == "paused",
            Kill("cache"): lambda: theirs.status("cache-1") == "exited",
        }
        for fault, seen in felt.items():
            check(fault, runtime)
            injection = fault.inject(runtime)
            assert (evidence := proven(injection.landed)).holds, evidence.says
            assert seen(), fault.name
            injection.lift()
            assert (evidence := proven(injection.gone)).holds, evidence.says
            untouched("cache-1")
        runtime.wait_ready(timeout=20)
        link = links["app→cache:6379"]
        runtime.add_toxic(link, Toxic("left", "latency", "downstream", {"latency": 0.1}))
        assert f"chaoskit-{runtime.run_id}-left" in str(theirs.proxies())
        runtime.cut(link, "refuse")
        runtime.reset_links()
        untouched("cache-1")
        runtime.cut(link, "refuse")
        runtime.kill("app-2")
        runtime.pause("app-1")
    untouched("cache-1", "app-2")
    assert client.api.containers(all=True, filters={"label": f"{RUN_LABEL}={runtime.run_id}"}) == []
    assert theirs.ask()[0] == 200


def test_what_was_not_named_is_refused_before_anything_happens(
    theirs: Foreign, untouched: Callable[..., None]
) -> None:
    """Every act on another target raises and names what may be touched; looks are always allowed."""
    with AttachedRuntime(theirs.project, touch=["cache"]) as runtime:
        links = {each.name: each for each in runtime.links}
        app, spare = links["app→cache:6379"], links["any→spare:6379"]
        toxic = Toxic("slow", "latency", "downstream", {"latency": 1.0})
        forbidden: list[Callable[[], object]] = [
            lambda: runtime.kill("spare"),
            lambda: runtime.stop("app-1"),
            lambda: runtime.restart("app-1"),
            lambda: runtime.pause("app-1"),
            lambda: runtime.start_component("app-1"),
            lambda: runtime.execute("app-1", ["true"]),
            lambda: runtime.replace("cache"),
            lambda: runtime.add_toxic(app, toxic),
            lambda: runtime.cut(spare, "refuse"),
            lambda: check(Kill("app"), runtime),
            lambda: check(Latency("→cache"), runtime),
        ]
        for act in forbidden:
            with pytest.raises(UsageError) as raised:
                act()
            assert raised.value.remedy
        assert runtime.state("spare").serving
        assert runtime.connect(spare) == "refused"
        assert runtime.connect(app) == "open"
        assert 6379 in runtime.ports("cache")
        assert runtime.environment("app-1")["CACHE"] == "toxiproxy:26379"
        untouched()
    with AttachedRuntime(theirs.project, touch=["→spare"]) as runtime:
        for fault, says in (
            (CutLink("→spare"), "already disabled"),
            (CutLink("→spare", "silent"), "'silent'"),
        ):
            with pytest.raises(UsageError, match=says):
                check(fault, runtime)
        with pytest.raises(UsageError, match="already disabled"):
            runtime.cut(spare, "refuse")


HARNESS = """
import sys, time
from chaoskit.faults import CutLink, Kill, Latency, Pause
from chaoskit.containers.attached.runtime import AttachedRuntime

runtime = AttachedRuntime(sys.argv[1], touch=["app", "cache", "->cache"])
runtime.start()
for fault in [Latency("->cache", delay=1.0), CutLink("->cache"), Pause("app-2"), Kill("cache")]:
    fault.inject(runtime)
print(runtime.run_id, runtime._current._reapers[0].pid, flush=True)
time.sleep(600)
"""


def killed(theirs: Foreign, *, reaper_too: bool) -> str:
    """The run of a harness that was killed while its faults were active."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", HARNESS, theirs.project]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as harness:
        assert harness.stdout is not None
        run_id, reaper = harness.stdout.readline().split()
        assert theirs.status("cache-1") == "exited"
        assert theirs.status("app-2") == "paused"
        if reaper_too:
            os.kill(int(reaper), signal.SIGKILL)
        harness.kill()
    return run_id


def test_faults_of_a_killed_harness_are_undone(
    theirs: Foreign, untouched: Callable[..., None], state: Path
) -> None:
    """Ten seconds after SIGKILL nothing is slow, cut, frozen or down, and every container still exists."""
    run_id = killed(theirs, reaper_too=False)
    died = time.monotonic()
    while (state / "runs" / run_id).exists():
        note = state / "runs" / run_id / "note.txt"
        assert not note.exists(), note.read_text()
        assert time.monotonic() < died + WITHIN
        time.sleep(0.05)
    untouched("cache-1")
    assert theirs.ask()[0] == 200


def test_clean_undoes_what_nobody_else_could(
    theirs: Foreign, untouched: Callable[..., None], client: docker.DockerClient
) -> None:
    """If the reaper was killed too, ``chaoskit clean`` lifts the faults, and removes nothing."""
    run_id = killed(theirs, reaper_too=True)
    cleaned = clean(client, only={run_id})
    assert cleaned.freed == {run_id: theirs.project}
    assert not cleaned.failed
    untouched("cache-1")


SYSTEM = """
    from pathlib import Path
    from chaoskit import Slo, System, journey

    @journey(rate=10, needs=["app"], uses=["cache"], entry="app-1", slo=Slo(availability=0.9, recovery=20.0))
    async def look(user):
        (await user.get("/")).raise_for_status()

    system = System.from_compose(Path(__file__).with_name("compose.json"), journeys=[look])
"""

EXPERIMENTS = """
    import pytest
    from chaoskit import faults
    from chaoskit.errors import UsageError

    def test_a_slow_cache(chaos):
        chaos.experiment(faults.Latency("->cache", delay=0.05), active=2.0).assert_held()

    def test_what_was_not_named(chaos):
        with pytest.raises(UsageError, match="may not be touched"):
            chaos.experiment(faults.Kill("cache"))
"""


def test_experiments_of_a_pytest_run_may_attach(
    theirs: Foreign, untouched: Callable[..., None], pytester: pytest.Pytester
) -> None:
    """With --chaos-attach a suite runs against a running system, within the names of --chaos-touch."""
    (pytester.path / "compose.json").write_text(json.dumps(compose("any")), encoding="utf-8")
    pytester.makeini("[pytest]\nchaos_system = shop:system\nchaos_touch = app, ->cache")
    pytester.makepyfile(shop=SYSTEM, test_shop=EXPERIMENTS)
    result = pytester.runpytest_subprocess(
        "-v", "-p", "no:cacheprovider", f"--chaos-attach={theirs.project}", timeout=120
    )
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [f"*attached to {theirs.project}*app, ->cache*", "*HELD: test_shop.test_a_slow*"]
    )
    untouched()


def test_a_system_that_chaoskit_left_running_is_attached_to(
    client: docker.DockerClient, state: Path, tmp_path: Path
) -> None:
    """After ``chaoskit up --keep`` its links have their names, and one of them is cut alone."""
    environment = {**os.environ, "BASE_IMAGE": base_image(client)}
    said = subprocess.run(
        [*COMMAND, "up", "--keep", str(FILE)], env=environment, check=True, capture_output=True, text=True
    ).stdout
    (kept,) = re.findall(r"left running as (\w+)", said)
    try:
        with AttachedRuntime(f"chaoskit-{kept}", touch=["api→carts"]) as runtime:
            names = {each.name for each in runtime.links}
            assert {"outside→web:8080", "web→api:8000", "api→carts:6379", "api→user_db:6379"} <= names
            assert {each.name for each in runtime.components} == {"web", "api", "user_db", "carts", "mailer"}
            assert re.findall(r"web:8080 +http://(\S+)", said) == [runtime.entries["web:8080"]]
            fault = CutLink("api→carts:6379")
            check(fault, runtime)
            injection = fault.inject(runtime)
            assert (evidence := proven(injection.landed)).holds, evidence.says
            others = [each for each in runtime.links if each.name == "api→user_db:6379"]
            assert [runtime.connect(each) for each in others] == ["open"]
            injection.lift()
            assert (evidence := proven(injection.gone)).holds, evidence.says
    finally:
        clean(client, only={kept})
