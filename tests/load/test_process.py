"""The load process against a real server on 127.0.0.1."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from chaoskit.errors import LoadFailure, UsageError
from chaoskit.load import process as module
from chaoskit.load.process import LoadProcess
from chaoskit.load.schedule import Schedule
from chaoskit.load.source import LoadSource
from chaoskit.record.history import History, Outcome
from tests.load import journeys, only_here
from tests.load.server import Server
from tests.waiting import until

Make = Callable[..., tuple[LoadProcess, History]]

pytestmark = pytest.mark.slow  # each starts the load process, and waits for what happens in it


def test_a_stall_is_seen_from_the_intended_start(load: Make, server: Server) -> None:
    """Users who arrive while the server stalls are launched on time, and wait until its end."""
    process, history = load(journeys.look)
    process.start()
    server.stall()
    origin = process.begin()
    until(lambda: time.monotonic() > origin + 0.5 and len(server.seen) > 25)
    end = server.resume()
    totals = process.stop()

    caught = [sample for sample in history.samples if sample.intended < end]
    assert len(caught) == Schedule(journey="look", rate=100, seed=1).count(origin, end) >= 50
    assert all(sample.outcome is Outcome.OK for sample in caught)
    within = [seen for seen in server.seen if seen.at < end]
    assert len(within) > 25
    reached = [sample for sample in caught if sample.started is not None and sample.started < end]
    assert len(reached) >= len(within)
    for sample in reached:
        assert sample.latency is not None
        assert sample.latency >= end - sample.intended
    account = totals.of("look")
    assert account.scheduled == account.ok == len(history.samples)
    assert account.most_in_flight >= len(within)


@pytest.mark.skipif(
    not hasattr(os, "sched_getscheduler") or os.geteuid() != 0, reason="only root on Linux may ask for it"
)
def test_the_load_process_runs_ahead_of_the_system(load: Make) -> None:
    """On a busy machine the load process runs first, but not the processes that a journey starts."""
    process, _ = load(journeys.look)
    process.start()
    assert process.pid is not None
    assert os.sched_getscheduler(process.pid) == os.SCHED_RR | os.SCHED_RESET_ON_FORK


def test_the_accounts_add_up(load: Make, server: Server) -> None:
    """Every arrival that was due has an outcome."""
    process, history = load(journeys.look, journeys.fail, journeys.hang)
    process.start()
    origin = process.begin()
    until(lambda: len(history.samples) > 60)
    totals = process.stop()

    assert origin == totals.origin < totals.stopped
    look, fail, hang = totals.accounts
    assert look.ok == look.scheduled > 0
    assert fail.failed == fail.scheduled > 0
    assert hang.failed == hang.scheduled > 0
    errors = {each.error for each in history.samples if not each.error.startswith("load generator")}
    assert errors == {"", "HTTPStatusError: 503 Said from GET /status/503", "timeout after 0.15 s"}
    late = [each for each in history.samples if each.journey == "hang"]
    assert len(late) == hang.scheduled
    assert all(each.latency is not None and each.latency >= 0.15 for each in late)


def test_arrivals_beyond_the_cap_are_never_sent(load: Make, server: Server) -> None:
    """When as many runs are in flight as are allowed, the next arrival is never sent."""
    server.stall()
    process, history = load(journeys.look, max_in_flight=5)
    process.start()
    process.begin()
    until(lambda: len(history.samples) > 10 and len(server.seen) >= 5)
    reached = len(server.seen)
    server.resume()
    account = process.stop().of("look")

    assert account.never_sent > 10
    assert account.most_in_flight == reached == 5
    unsent = [each for each in history.samples if each.outcome is Outcome.NEVER_SENT]
    assert len(unsent) == account.never_sent
    assert all(each.started is None and each.ended is None and "in flight" in each.error for each in unsent)


def test_what_is_in_flight_when_patience_ends_is_unfinished(load: Make, server: Server) -> None:
    """A stop with a short grace leaves runs unfinished: neither good nor bad."""
    server.stall()
    process, history = load(journeys.look)
    process.start()
    process.begin()
    until(lambda: len(server.seen) > 3)
    account = process.stop(grace=0.0).of("look")
    assert account.unfinished == account.scheduled > 3
    assert all(each.ended is None and each.started is not None for each in history.samples)


def test_users_keep_their_own_cookies_and_come_back(load: Make, server: Server) -> None:
    """A user who signed in stays signed in, and signs no other user in."""
    process, _ = load(journeys.sign_in_once)
    object.__setattr__(process._setup.plans[0], "rate", 60.0)
    process.start()
    process.begin()
    until(lambda: len(server.seen) > 120)
    process.stop()
    cookies: dict[str, set[str]] = {}
    for seen in server.seen:
        if "user=" in seen.path:
            cookies.setdefault(seen.path, set()).add(seen.headers["cookie"])
    assert cookies
    assert all(len(own) == 1 for own in cookies.values())
    assert len({next(iter(own)) for own in cookies.values()}) == len(cookies)


def test_acknowledgements_are_kept_broken_or_open(load: Make, server: Server) -> None:
    """An acknowledgement is kept, or broken (404), or open if the system does not answer."""
    process, history = load(journeys.order)
    process.start()
    process.begin()
    until(lambda: len(history.acknowledgements) >= 9)
    process.stop()
    acknowledgements = history.acknowledgements
    open_ones = [each for each in acknowledgements if int(each.id) % 3 == 2]
    decided = [each for each in acknowledgements if each not in open_ones]
    checks = process.verify(decided, deadline=30.0) + process.verify(open_ones, deadline=0.3)

    assert checks == history.checks
    assert {check.id for check in checks} == {each.id for each in acknowledgements}
    assert len(checks) == len(acknowledgements)
    for check in checks:
        assert check.kept is {0: True, 1: False, 2: None}[int(check.id) % 3]
        assert bool(check.error) is not check.kept
    asked = [seen.path for seen in server.seen if seen.path.startswith("/order/")]
    for path in asked:  # by the user who got the acknowledgement
        number, user = path.removeprefix("/order/").split("?user=")
        assert int(number) // 1000 == int(user)


def test_what_users_wrote_and_read_is_recorded_in_their_order(load: Make) -> None:
    """Each user's writes and reads arrive in the order of the calls, with the user's number."""
    process, history = load(journeys.edit)
    object.__setattr__(process._setup.plans[0], "rate", 60.0)  # the population stays, and comes back
    process.start()
    origin = process.begin()
    until(lambda: any(each.version == 2 and each.wrote for each in history.accesses))
    process.stop()
    for user in {each.user for each in history.accesses}:
        own = [each for each in history.accesses if each.user == user]
        said = [(each.kind, each.id, each.wrote, each.version) for each in own]
        count = len(own) // 2
        assert said == [
            ("page", "7", wrote, revision if wrote else revision - 1 or None)
            for revision in range(1, count + 1)
            for wrote in (True, False)
        ]
        assert all(earlier.at <= later.at for earlier, later in itertools.pairwise(own))
        assert own[0].at >= origin
        assert own[0].journey == "edit"


def test_several_processes_are_one_load(load: Make, server: Server) -> None:
    """Shares add up to the schedule, limits hold for all processes together, and each acknowledgement
    is checked once, by the user who got it."""
    process, history = load(journeys.order, journeys.look, processes=2, max_in_flight=50)
    process.start()
    origin = process.begin()
    until(lambda: len(history.acknowledgements) >= 12)
    totals = process.stop()
    assert totals.processes == 2
    for plan in process._source.plans:
        account = totals.of(plan.name)
        assert account.ok == account.scheduled > 0
        due = [each.intended for each in history.samples if each.journey == plan.name]
        whole = Schedule(journey=plan.name, rate=plan.rate, seed=1).arrivals(origin)
        early = len(due) - 5  # the processes do not stop at the same moment
        assert due[:early] == list(islice(whole, early))
    decided = [each for each in history.acknowledgements if int(each.id) % 3 != 2]
    checks = process.verify(decided, deadline=30.0)
    assert sorted(check.id for check in checks) == sorted(each.id for each in decided)
    owners = {}
    for seen in server.seen:
        if seen.path.startswith("/order/"):
            number, user = seen.path.removeprefix("/order/").split("?user=")
            assert int(number) // 1000 == int(user)
            owners[user] = int(user) % 2
    assert set(owners.values()) == {0, 1}


def test_several_processes_report_a_mistake_once(load: Make) -> None:
    """A mistake that all processes meet is reported once."""
    process, history = load(journeys.mistaken, processes=2)
    process.start()
    process.begin()
    until(lambda: len(history.samples) > 20)
    process.stop()
    assert len(process.errors) == 1
    assert len([mark for mark in history.marks if mark.name == "journey-error"]) == 1


def test_the_death_of_one_of_several_processes_is_reported(load: Make) -> None:
    """When one of several processes dies, the load fails and says so."""
    process, _ = load(journeys.look, processes=2)
    process.start()
    assert process._crew is not None
    os.kill(process._crew.workers[1].pid, signal.SIGKILL)
    until(lambda: not process.alive)
    assert isinstance(process.error, LoadFailure)
    with pytest.raises(LoadFailure, match="SIGKILL"):
        process.begin()


def test_totals_describe_the_load_generator_itself(load: Make, server: Server) -> None:
    """Connections, runs in flight and lateness are recorded exactly."""
    server.stall()
    process, history = load(journeys.look)
    process.start()
    process.begin()
    until(lambda: len(server.seen) >= 15)
    server.resume()
    until(lambda: any(each.outcome is Outcome.OK for each in history.samples))
    totals = process.stop()
    assert 15 <= totals.most_connections <= totals.most_in_flight + 1
    assert totals.most_connections == server.connections
    assert 0 < totals.lag_p50 <= totals.lag_p99 <= totals.worst_lag
    lags = sorted(each.lag for each in history.samples if each.lag is not None)
    assert totals.worst_lag == lags[-1]
    assert totals.lag_p50 in lags


def test_a_mistake_in_a_journey_is_reported_once_with_its_line(load: Make) -> None:
    """A NameError fails each run, and is reported once with its line."""
    process, history = load(journeys.mistaken)
    process.start()
    process.begin()
    until(lambda: len(history.samples) > 5)
    account = process.stop().of("mistaken")
    assert account.failed == account.scheduled
    (mark,) = process.errors
    assert mark in history.marks
    assert mark.detail["journey"] == "mistaken"
    assert "unknown_name()" in mark.detail["traceback"]
    assert "chaoskit/load" not in mark.detail["traceback"]


def test_a_journey_cannot_leave_the_system(load: Make) -> None:
    """A request to another host is refused before anything is sent, and reported."""
    process, history = load(journeys.stray)
    process.start()
    process.begin()
    until(lambda: len(history.samples) > 2)
    process.stop()
    assert all("http://example.com is not part of the system" in each.error for each in history.samples)
    assert process.errors


def test_an_import_that_fails_there_shows_the_users_traceback(load: Make) -> None:
    """If the load process cannot import a module, the error shows the line that fails in it."""
    process, _ = load(only_here.lost)
    with pytest.raises(LoadFailure) as caught:
        process.start()
    text = str(caught.value)
    assert "could not import journey 'lost'" in text
    assert "import no_module_of_that_name" in text
    assert "importing.py" not in text


def test_its_death_is_reported_with_its_last_output(load: Make) -> None:
    """The next call notices that the process has died."""
    process, _ = load(journeys.die)
    process.start()
    assert process.alive
    assert process.error is None
    process.begin()
    until(lambda: not process.alive)
    with pytest.raises(LoadFailure, match="exit code 7") as caught:
        process.stop()
    assert "these are my last words" in str(caught.value)
    assert isinstance(process.error, LoadFailure)


def test_a_killed_process_is_reported_with_its_signal(load: Make) -> None:
    """A SIGKILL, as from the out-of-memory killer, is named."""
    process, _ = load(journeys.look)
    process.start()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: not process.alive)
    with pytest.raises(LoadFailure, match="SIGKILL"):
        process.begin()


def test_a_journey_that_blocks_is_shown(load: Make, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the event loop hangs, the evidence is the stack with the blocking line."""
    monkeypatch.setattr(module, "ANSWERS_WITHIN", 0.5)
    process, _ = load(journeys.block)
    process.start()
    process.begin()
    until(lambda: bool(server.seen))
    with pytest.raises(LoadFailure, match="does not answer") as caught:
        process.stop()
    assert "in block" in str(caught.value)


def test_it_ends_by_itself(load: Make) -> None:
    """A load that is not stopped ends by itself after its longest duration."""
    process, _ = load(journeys.look, max_duration=0.3)
    process.start()
    until(lambda: not process.alive)
    with pytest.raises(LoadFailure, match="max_duration"):
        process.begin()


def test_closing_is_final_and_may_be_repeated(load: Make) -> None:
    """After close, neither the process nor a thread that reads from it is left."""
    process, _ = load(journeys.look)
    process.start()
    process.begin()
    process.close()
    process.close()
    assert not process.alive
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("load ")]


def test_commands_before_start_are_refused(load: Make) -> None:
    """A command to a load that was not started is an error that says so."""
    process, _ = load(journeys.look)
    with pytest.raises(LoadFailure, match="not started"):
        process.begin()
    process.close()


def test_it_dies_with_its_parent(server: Server, tmp_path: Path) -> None:
    """After a SIGKILL of the harness its load process is gone as well, even if its event loop is blocked."""
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys, time\n"
        "from chaoskit.record.history import History\n"
        "from chaoskit.load.process import LoadProcess\n"
        "from tests.load.journeys import block\n"
        "if __name__ == '__main__':\n"
        "    load = LoadProcess([block], History(), entries={'block': sys.argv[1]}, seed=1)\n"
        "    load.start()\n"
        "    load.begin()\n"
        "    print(load.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, script, server.url], stdout=subprocess.PIPE, env=environment
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert running(child)
        parent.kill()
    until(lambda: not running(child))


def running(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_load_never_leaves_this_machine() -> None:
    """An entry on another host is refused before anything starts, unless that host was allowed by name."""
    entries = {"look": "http://192.0.2.7:80"}
    with pytest.raises(UsageError, match="would leave this machine"):
        LoadProcess([journeys.look], History(), entries=entries, seed=1)
    LoadProcess([journeys.look], History(), entries=entries, seed=1, allowed_hosts=["192.0.2.7"])


def test_each_journey_needs_an_entry() -> None:
    """A journey without a base URL is a mistake that names it."""
    with pytest.raises(UsageError, match="'look'"):
        LoadProcess([journeys.look], History(), entries={}, seed=1)


def test_a_system_can_be_named(load: Make, server: Server) -> None:
    """The journeys of a system are found by its reference."""
    source = LoadSource.of(journeys.system.journeys, reference="tests.load.journeys:system")
    history = History()
    entries = {"look": server.url, "fail": server.url}
    with LoadProcess(source, history, entries=entries, seed=1) as process:
        process.start()
        process.begin()
        until(lambda: {each.journey for each in history.samples} == {"look", "fail"})
        process.stop()
