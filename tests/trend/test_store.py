"""The history file: it keeps everything, adds an entry once, and leaves the files of others alone."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from chaoskit.errors import EnvironmentFailure, UsageError
from chaoskit.trend import Store, entry_from_text, entry_to_text
from chaoskit.trend.store import APPLICATION_ID
from tests.trend.nights import entry


def test_what_is_added_is_read_back(tmp_path: Path) -> None:
    """Each figure of an entry survives the file, and the conversion to text and back."""
    entries = [entry(0, commit="abc"), entry(1, recovery=None, stage=None, reset=None, rebuilt=True)]
    with Store(tmp_path / "history.sqlite") as store:
        assert store.add(entries) == 2
    with Store(tmp_path / "history.sqlite", create=False) as store:
        assert store.entries() == entries
    assert [entry_from_text(entry_to_text(each)) for each in entries] == entries


def test_an_entry_is_added_once(tmp_path: Path) -> None:
    """Adding a journal again changes nothing."""
    with Store(tmp_path / "history.sqlite") as store:
        assert store.add([entry(0), entry(1)]) == 2
        assert store.add([entry(1), entry(0), entry(2)]) == 1
        assert len(store.entries()) == 3


def test_all_entries_are_added_or_none(tmp_path: Path) -> None:
    """An addition that fails halfway leaves the history as it was."""
    # Two journeys of one name are an error.
    twice = replace(entry(1), journeys=entry(1).journeys * 2)
    with Store(tmp_path / "history.sqlite") as store:
        with pytest.raises(EnvironmentFailure, match="the history cannot be written"):
            store.add([entry(0), twice])
        assert store.entries() == []


def test_several_sessions_write_at_once(tmp_path: Path) -> None:
    """Sessions that add to one new file at the same time wait for each other and lose nothing."""
    start, failed = threading.Barrier(4), []

    def add(number: int) -> None:
        try:
            start.wait()
            with Store(tmp_path / "history.sqlite") as store:
                for night in range(5):
                    store.add([entry(night, experiment=f"experiment-{number}")])
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    with Store(tmp_path / "history.sqlite") as store:
        assert len(store.entries()) == 20
    assert [path.name for path in tmp_path.iterdir()] == ["history.sqlite"]


def test_a_file_that_is_not_a_history_is_left_alone(tmp_path: Path) -> None:
    """The store writes neither to a text file nor to the SQLite file of another program."""
    text = tmp_path / "notes.txt"
    text.write_text("dear diary " * 100)
    other = tmp_path / "other.sqlite"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE experiment (id)")
    connection.commit()
    connection.close()
    for path, says in ((text, "the file is not an SQLite file"), (other, "not a history of chaoskit")):
        before = path.read_bytes()
        with pytest.raises(UsageError, match=says):
            Store(path)
        assert path.read_bytes() == before


def test_another_version_is_refused(tmp_path: Path) -> None:
    """The store neither reads nor writes a history that a later version of chaoskit wrote."""
    path = tmp_path / "history.sqlite"
    Store(path).close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(UsageError, match="another version") as raised:
        Store(path)
    assert raised.value.evidence == "version 99"


def test_a_reader_creates_no_file(tmp_path: Path) -> None:
    """A misspelt name is an error, and leaves no empty history behind."""
    with pytest.raises(UsageError, match="there is no history yet"):
        Store(tmp_path / "histroy.sqlite", create=False)
    assert not list(tmp_path.iterdir())


def test_a_path_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """A folder in the place of the file and a file in the place of the folder are clear errors."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "folder", tmp_path / "file" / "history.sqlite"):
        with pytest.raises(EnvironmentFailure, match="the history cannot be opened") as raised:
            Store(path)
        assert raised.value.where == str(path)


def test_a_read_only_file_is_an_error_when_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer gets the error before the first experiment; a reader can still read."""
    path = tmp_path / "history.sqlite"
    with Store(path) as store:
        store.add([entry(0)])
    connect = sqlite3.connect

    def read_only(path: Path, **options: object) -> sqlite3.Connection:
        return connect(f"file:{path}?mode=ro", uri=True, **options)  # type: ignore[call-overload, no-any-return]

    # Root may write whatever the permissions say, so the connection itself is read-only.
    monkeypatch.setattr(sqlite3, "connect", read_only)
    with pytest.raises(EnvironmentFailure, match="cannot be opened"):
        Store(path)
    with Store(path, create=False) as store:
        assert len(store.entries()) == 1


def test_a_history_from_before_failover_is_brought_up_to_date(tmp_path: Path) -> None:
    """Its nights are kept, and know no fail-over."""
    file = tmp_path / "history.sqlite"
    with Store(file, create=True) as store:
        store.add([entry(0)])
        expected = store.entries()
    connection = sqlite3.connect(file)
    for column in ("failover", "failover_resolution", "within"):
        connection.execute(f"ALTER TABLE journey DROP COLUMN {column}")
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    with Store(file) as store:
        assert store.entries() == expected
        assert store.add([entry(1)]) == 1
