"""PostgreSQL and its poolers, by pg8000: of the Python drivers it is the one that tells the SQLSTATE
of a refused connection (libpq, and so psycopg, does not).
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pg8000.native
from pg8000.exceptions import Error

from chaoskit.runtime import Runtime

PORT, POOLER_PORT = 5432, 6432
"""PostgreSQL's own port, and PgBouncer's."""

TOO_MANY_CONNECTIONS = "53300"
"""Source: PostgreSQL manual, appendix A, class 53 (insufficient resources). The server says it when
all slots are taken, and also when a role or a database has as many as it may have."""

QUERY_CANCELED = "57014"
"""Class 57 (operator intervention): a time-out of the server's, or somebody's request, ended it."""

_CANCEL = 80877102
"""The code of a CancelRequest. Source: PostgreSQL manual, 55.7 "Message Formats"."""


class PostgresRefused(Exception):
    """The server, or the way to it, said no.

    Args:
        sqlstate: the server's code; ``None`` where the failure was not the server's answer.
        message: what it said, one line.
    """

    def __init__(self, sqlstate: str | None, message: str) -> None:
        super().__init__(f"SQLSTATE {sqlstate}: {message}" if sqlstate else message)
        self.sqlstate = sqlstate
        self.message = message


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who the harness is to the server; what is ``None`` is taken from the component's environment
    (``POSTGRES_USER``, ``POSTGRES_PASSWORD``, ``POSTGRES_DB``, as the official image has them).
    """

    user: str | None = None
    password: str | None = None
    database: str | None = None

    def filled(self, environment: Mapping[str, str]) -> Credentials:
        """The same, completed from a component's environment."""
        user = self.user or environment.get("POSTGRES_USER") or "postgres"
        return Credentials(
            user=user,
            password=self.password or environment.get("POSTGRES_PASSWORD"),
            database=self.database or environment.get("POSTGRES_DB") or user,
        )


class PostgresSession:
    """One open connection; every statement commits by itself.

    Args:
        connection: pg8000's.
        address: host and port that it was made to.
    """

    def __init__(self, connection: pg8000.native.Connection, address: tuple[str, int]) -> None:
        self._connection = connection
        self._address = address

    def rows(self, query: str, **parameters: object) -> list[list[Any]]:
        """What a query returns, row by row.

        Raises:
            Refused: the server or the connection failed.
        """
        try:
            return list(self._connection.run(query, **parameters) or ())
        except (Error, OSError) as error:
            raise _refused(error) from error

    def figure(self, query: str, **parameters: object) -> int:
        """The one whole number that a query returns.

        Raises:
            Refused: the server or the connection failed.
        """
        return int(self.rows(query, **parameters)[0][0])

    def row(self, statement: str, timeout: float) -> Sequence[Any]:
        """Run one statement exactly as it is written, and return its first row; empty without one.

        In a transaction of its own, so that the limit on its time stays behind neither on this
        connection nor, through a pooler, on one that others use.

        Args:
            statement: SQL; a colon or a percent sign in it means nothing.
            timeout: seconds after which the server cancels it.

        Raises:
            Refused: the server or the connection failed.
        """
        try:
            self._connection.run("begin")
            self._connection.run(f"set local statement_timeout = {max(1, round(timeout * 1000))}")
            rows = self._connection.run(statement)
            self._connection.run("commit")
        except (Error, OSError) as error:
            raise _refused(error) from error
        return rows[0] if rows else ()

    def run_without_limit(self, statement: str) -> None:
        """Run a statement, as it is written, for as long as it takes; another thread may end it.

        Raises:
            Refused: the server cancelled it, or the connection failed.
        """
        try:
            # What pg8000 does not offer is named here and in the two methods below, nowhere else.
            self._connection._usock.settimeout(None)
            self._connection.run(statement)
        except (Error, OSError) as error:
            raise _refused(error) from error

    def cancel(self, timeout: float = 2.0) -> None:
        """Ask the server, over a connection of its own, to cancel what this one runs.

        A request takes no slot, and a pooler passes it on. That it was sent is all that is known:
        the statement ends with SQLSTATE 57014, or had ended before.
        """
        key = self._connection._backend_key_data  # process id and secret, eight bytes
        if key is None:
            return
        with contextlib.suppress(OSError), socket.create_connection(self._address, timeout) as asking:
            asking.sendall(struct.pack("!ii", 8 + len(key), _CANCEL) + key)
            asking.recv(1)  # the server closes when it has passed the request on

    def hang_up(self) -> None:
        """Cut the connection under a statement that runs in another thread."""
        end = self._connection._usock
        if end is not None:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End it; a connection that the server has ended already is no error."""
        with contextlib.suppress(Error, OSError):
            self._connection.close()


def served(runtime: Runtime, component: str, *ports: int) -> int | None:
    """The first of the ports (PostgreSQL's, then PgBouncer's, by default) that a component serves."""
    there = runtime.ports(component)
    return next((port for port in ports or (PORT, POOLER_PORT) if port in there), None)


def connect(
    runtime: Runtime, component: str, credentials: Credentials, application: str, timeout: float = 5.0
) -> PostgresSession:
    """Open a connection over the harness's own link.

    Args:
        runtime: where the component runs.
        component: the server, or a pooler before it; see :func:`served` for the port.
        credentials: see :class:`Credentials`.
        application: the ``application_name`` by which ``pg_stat_activity`` shows it.
        timeout: seconds for connecting and for each statement.

    Raises:
        Refused: with the server's SQLSTATE, where it answered.
    """
    host, port = runtime.address(component, served(runtime, component) or PORT)
    who = credentials.filled(runtime.environment(component))
    try:
        # pg8000 leaves the socket of a connection that is refused to the garbage collector.
        way = socket.create_connection((host, port), timeout)
    except OSError as error:
        raise PostgresRefused(None, f"no connection to {host}:{port}: {error}") from error
    try:
        connection = pg8000.native.Connection(
            who.user,
            host=host,
            password=who.password,
            database=who.database,
            timeout=timeout,
            application_name=application,
            sock=way,
        )
    except (Error, OSError) as error:
        # The buffered file that pg8000 made of it, alive in the error's traceback, would keep it open.
        if (descriptor := way.detach()) >= 0:
            os.close(descriptor)
        raise _refused(error) from error
    return PostgresSession(connection, (host, port))


@contextlib.contextmanager
def session(
    runtime: Runtime, component: str, credentials: Credentials, application: str, timeout: float = 5.0
) -> Iterator[PostgresSession]:
    """A connection for the length of a ``with`` block; see :func:`connect`."""
    opened = connect(runtime, component, credentials, application, timeout)
    try:
        yield opened
    finally:
        opened.close()


def _refused(error: Exception) -> PostgresRefused:
    answer: Any = error.args[0] if error.args else None
    if isinstance(answer, dict):
        return PostgresRefused(answer.get("C"), str(answer.get("M", "")).strip())
    lines = str(error).strip().splitlines()
    return PostgresRefused(None, lines[-1] if lines else type(error).__name__)
