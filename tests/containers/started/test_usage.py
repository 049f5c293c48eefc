"""Which links were used, from Toxiproxy's counters and the kernel's table."""

from __future__ import annotations

from chaoskit.containers.started.usage import connected, counted
from tests.containers.engine.test_sockets import HEAD, row

METRICS = """\
# TYPE toxiproxy_proxy_received_bytes_total counter
toxiproxy_proxy_received_bytes_total{direction="upstream",listener="10.0.0.2:80",proxy="a.b.80"} 12
toxiproxy_proxy_received_bytes_total{direction="upstream",listener="10.0.0.2:81",proxy="a.b.81"} 0
toxiproxy_proxy_sent_bytes_total{direction="downstream",listener="10.0.0.2:82",proxy="a.b.82"} 1e+06
promhttp_metric_handler_errors_total{cause="encoding"} 3
"""


def test_a_proxy_that_carried_bytes_is_counted() -> None:
    """Bytes in either direction count, and a proxy that merely exists does not."""
    assert counted(METRICS) == {"a.b.80", "a.b.82"}


def test_an_open_connection_shows_where_it_was_accepted() -> None:
    """Toxiproxy counts a pooled connection only when it closes; until then the kernel's table shows it."""
    table = [HEAD, row("10.0.0.2", 6379, "01"), row("10.0.0.2", 6380), row("10.0.0.2", 6381, "06")]
    assert connected(table) == {"10.0.0.2:6379"}
