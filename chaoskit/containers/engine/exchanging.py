"""One exchange of words over a fresh connection, timed. Standard library only and nothing of this
package: where the network is another one, this file is the program that runs there.
"""

import socket
import sys
import time


def exchange(address: tuple[str, int], said: bytes, until: str, patience: float) -> tuple[str, float, int]:
    """Connect, say something, and wait for what comes of it.

    Args:
        address: host and port.
        said: what is said at once.
        until: ``answer`` waits for the first bytes; ``end`` closes the sending side and waits until the
            other side does so, too.
        patience: seconds for all of it.

    Returns:
        What was met (see :class:`chaoskit.runtime.Exchange`), after how many seconds, and how many bytes
        came first.
    """
    began = time.perf_counter()
    heard = 0
    try:
        with socket.create_connection(address, patience) as connection:
            try:
                connection.sendall(said)
                if until == "end":
                    connection.shutdown(socket.SHUT_WR)
                while True:
                    connection.settimeout(max(0.001, began + patience - time.perf_counter()))
                    data = connection.recv(65536)
                    heard = heard or len(data)
                    if not data or until == "answer":
                        return "answered" if data else "closed", time.perf_counter() - began, heard
            except TimeoutError:
                met = "quiet"
            except OSError:  # ECONNRESET, or EPIPE and ENOTCONN where the reset came before we spoke
                met = "reset"
    except (ConnectionRefusedError, ConnectionResetError):
        met = "refused"
    except OSError:  # no answer, or no way there
        met = "silent"
    return met, time.perf_counter() - began, heard


if __name__ == "__main__":
    _host, _port, _said, _until, _patience = sys.argv[1:]
    _met, _seconds, _heard = exchange((_host, int(_port)), bytes.fromhex(_said), _until, float(_patience))
    print("exchanged", _met, f"{_seconds:.6f}", _heard)  # noqa: T201 - it is its answer
