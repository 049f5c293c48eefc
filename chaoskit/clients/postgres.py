"""A client for PostgreSQL and its poolers, on pg8000.

Of the Python drivers pg8000 is the one that tells the SQLSTATE of a refused connection. libpq does not, and
so neither does psycopg.
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
"""The SQLSTATE of class 53 (insufficient resources) that the server answers with when all slots are taken, or
when a role or a database has all the connections that it may have. Source: PostgreSQL manual, appendix A."""

QUERY_CANCELED = "57014"
"""The SQLSTATE of class 57 (operator intervention) that the server answers with when a time-out of its own or
a CancelRequest ended a statement."""

_CANCEL_REQUEST_CODE = 80877102
"""The code of a CancelRequest. Source: PostgreSQL manual, 55.7 "Message Formats"."""

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""Asks whether the server speaks TLS; it answers one letter, and logs nothing. Source: ibid."""


def unknown_version(size: int) -> bytes:
    """A start-up message of so many bytes, in a version of the protocol that does not exist: the server
    reads it whole, answers an error of about a hundred bytes, and closes.
    """
    return struct.pack("!ii", size, 9999 << 16).ljust(size, b"\0")


class PostgresRefused(Exception):
    """A connection or a statement failed: the server refused it, or the server could not be reached.

    Args:
        sqlstate: the server's code; ``None`` where the server gave no answer.
        message: the reason, in one line.
    """

    def __init__(self, sqlstate: str | None, message: str) -> None:
        super().__init__(f"SQLSTATE {sqlstate}: {message}" if sqlstate else message)
        self.sqlstate = sqlstate
        self.message = message


@dataclass(frozen=True, slots=True)
class Credentials:
    """The role that the harness connects as.

    A field that is ``None`` is taken from the component's environment: ``POSTGRES_USER``,
    ``POSTGRES_PASSWORD`` or ``POSTGRES_DB``, as the official image names them.
    """

    user: str | None = None
    password: str | None = None
    database: str | None = None

    def filled(self, environment: Mapping[str, str]) -> Credentials:
        """The same credentials, completed from a component's environment."""
        user = self.user or environment.get("POSTGRES_USER") or "postgres"
        return Credentials(
            user=user,
            password=self.password or environment.get("POSTGRES_PASSWORD"),
            database=self.database or environment.get("POSTGRES_DB") or user,
        )


class PostgresSession:
    """One open connection; every statement commits by itself.

    Args:
        connection: the connection of pg8000.
        address: the host and port that it was made to.
    """

    def __init__(self, connection: pg8000.native.Connection, address: tuple[str, int]) -> None:
        self._connection = connection
        self._address = address

    def rows(self, query: str, **parameters: object) -> list[list[Any]]:
        """The rows that a query returns.

        Raises:
            PostgresRefused: the server or the connection failed.
        """
        try:
            return list(self._connection.run(query, **parameters) or ())
        except (Error, OSError) as error:
            raise _refused(error) from error

    def figure(self, query: str, **parameters: object) -> int:
        """The one whole number that a query returns.

        Raises:
            PostgresRefused: the server or the connection failed.
        """
        return int(self.rows(query, **parameters)[0][0])

    def row(self, statement: str, timeout: float) -> Sequence[Any]:
        """Run one statement exactly as it is written, and return its first row; empty if there is none.

        The statement runs in a transaction of its own. So the limit on its time does not remain on this
        connection or, through a pooler, on a connection that others use.

        Args:
            statement: SQL; a colon or a percent sign in it has no special meaning.
            timeout: seconds after which the server cancels it.

        Raises:
            PostgresRefused: the server or the connection failed.
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
            PostgresRefused: the server cancelled the statement, or the connection failed.
        """
        try:
            # Private names of pg8000 are used here and in the two methods below, and nowhere else.
            self._connection._usock.settimeout(None)
            self._connection.run(statement)
        except (Error, OSError) as error:
            raise _refused(error) from error

    def cancel(self, timeout: float = 2.0) -> None:
        """Ask the server, over another connection, to cancel the statement that this one runs.

        A CancelRequest takes no slot, and a pooler passes it on. The server does not confirm it: either the
        statement ends with SQLSTATE 57014, or it had ended before.
        """
        key = self._connection._backend_key_data  # process id and secret, eight bytes
        if key is None:
            return
        with contextlib.suppress(OSError), socket.create_connection(self._address, timeout) as asking:
            asking.sendall(struct.pack("!ii", 8 + len(key), _CANCEL_REQUEST_CODE) + key)
            asking.recv(1)  # the server closes the connection once it has passed the request on

    def hang_up(self) -> None:
        """Cut the connection under a statement that runs in another thread."""
        end = self._connection._usock
        if end is not None:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; one that the server has closed already is not an error."""
        with contextlib.suppress(Error, OSError):
            self._connection.close()


def served(runtime: Runtime, component: str, *ports: int) -> int | None:
    """The first of the ports that a component serves; by default PostgreSQL's, then PgBouncer's."""
    there = runtime.ports(component)
    return next((port for port in ports or (PORT, POOLER_PORT) if port in there), None)


def connect(
    runtime: Runtime, component: str, credentials: Credentials, application: str, timeout: float = 5.0
) -> PostgresSession:
    """Open a connection over the harness's own link.

    Args:
        runtime: the runtime of the system.
        component: the server, or a pooler in front of it; see :func:`served` for the port.
        credentials: see :class:`Credentials`.
        application: the ``application_name`` by which ``pg_stat_activity`` shows it.
        timeout: seconds for connecting and for each statement.

    Raises:
        PostgresRefused: no connection was made; with the server's SQLSTATE, where it answered.
    """
    host, port = runtime.address(component, served(runtime, component) or PORT)
    who = credentials.filled(runtime.environment(component))
    try:
        # pg8000 would leave the socket of a refused connection to the garbage collector.
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
        # The error's traceback keeps pg8000's buffered file alive, which would keep the socket open.
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
