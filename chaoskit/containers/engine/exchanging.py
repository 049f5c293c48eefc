"""One timed exchange of bytes over a fresh connection.

This file imports only the standard library and nothing of this package: for an exchange in another
network, it is itself the program that runs there.
"""

import socket
import sys
import time


def exchange(address: tuple[str, int], said: bytes, until: str, patience: float) -> tuple[str, float, int]:
    """Connect, send some bytes, and wait for the result.

    Args:
        address: host and port.
        said: the bytes to send at once.
        until: ``answer`` waits for the first bytes; ``end`` closes the sending side and waits until the
            other side closes, too.
        patience: seconds for the whole exchange.

    Returns:
        The outcome (see :class:`chaoskit.runtime.Exchange`), its time in seconds, and the number of bytes
        in the first piece of the answer.
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
    except OSError:  # no answer, or no route to the address
        met = "silent"
    return met, time.perf_counter() - began, heard


if __name__ == "__main__":
    _host, _port, _said, _until, _patience = sys.argv[1:]
    _met, _seconds, _heard = exchange((_host, int(_port)), bytes.fromhex(_said), _until, float(_patience))
    print("exchanged", _met, f"{_seconds:.6f}", _heard)  # noqa: T201 - the program's output
