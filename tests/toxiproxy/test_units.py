"""The values that are sent for a toxic, and the values that are refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.errors import UsageError
from chaoskit.runtime import Toxic
from chaoskit.toxiproxy.units import from_wire, to_wire


@pytest.mark.parametrize(
    ("toxic", "sent"),
    [
        (Toxic("a", "latency", attributes={"latency": 0.1, "jitter": 0.02}), {"latency": 100, "jitter": 20}),
        (Toxic("a", "bandwidth", attributes={"rate_bytes_per_s": 64_000}), {"rate": 64}),
        (Toxic("a", "slow_close", attributes={"delay": 1.5}), {"delay": 1500}),
        (Toxic("a", "timeout", attributes={"timeout": 0}), {"timeout": 0}),
        (Toxic("a", "reset_peer", attributes={"timeout": 2}), {"timeout": 2000}),
        (
            Toxic("a", "slicer", attributes={"size_bytes": 64, "variation_bytes": 32, "delay": 0.001}),
            {"average_size": 64, "size_variation": 32, "delay": 1000},
        ),
        (Toxic("a", "limit_data", attributes={"size_bytes": 10}), {"bytes": 10}),
    ],
)
def test_units(toxic: Toxic, sent: dict[str, int]) -> None:
    """Seconds and bytes become Toxiproxy's ms, µs, KB/s and bytes, kind by kind."""
    assert to_wire(toxic)["attributes"] == sent
    assert all(isinstance(value, int) for value in to_wire(toxic)["attributes"].values())


@pytest.mark.parametrize(
    ("toxic", "mistake"),
    [
        (Toxic("a", "lag", attributes={"latency": 1}), "'lag' is not one of latency, bandwidth"),
        (Toxic("a", "latency", attributes={"latenzy": 1, "latency": 1}), "no attribute 'latenzy'"),
        (Toxic("a", "latency", attributes={"jitter": 1}), "needs the attribute 'latency'"),
        (Toxic("a", "latency", attributes={"latency": -1}), "not zero or above"),
        (Toxic("a", "latency", attributes={"latency": float("nan")}), "not zero or above"),
        (Toxic("a", "latency", attributes={"latency": 0.0004}), "Toxiproxy's step is 0.001"),
        (Toxic("a", "latency", attributes={"latency": 0.0014}), "Toxiproxy's step is 0.001"),
        (Toxic("a", "timeout", attributes={"timeout": 0.0002}), "Toxiproxy's step is 0.001"),
        (Toxic("a", "bandwidth", attributes={"rate_bytes_per_s": 0}), "Toxiproxy's step is 1000"),
        (Toxic("a", "bandwidth", attributes={"rate_bytes_per_s": 1500}), "Toxiproxy's step is 1000"),
        (Toxic("a", "slicer", attributes={"size_bytes": 0}), "cannot be expressed"),
        (
            Toxic("a", "slicer", attributes={"size_bytes": 5, "variation_bytes": 5}),
            "must be below size_bytes",
        ),
        (Toxic("a", "timeout", attributes={"timeout": 0}, toxicity=0), "toxicity 0 is not a share"),
        (Toxic("a", "timeout", attributes={"timeout": 0}, toxicity=1.1), "toxicity 1.1 is not a share"),
        (Toxic("a/b", "timeout", attributes={"timeout": 0}), "its name 'a/b'"),
        (Toxic("a", "timeout", "sideways", {"timeout": 0}), "'sideways'"),  # type: ignore[arg-type]
    ],
)
def test_what_toxiproxy_would_swallow_is_refused(toxic: Toxic, mistake: str) -> None:
    """A toxic that Toxiproxy would accept but not apply as meant is refused, with the reason."""
    with pytest.raises(UsageError) as caught:
        to_wire(toxic)
    assert mistake in str(caught.value)


_WHOLE = st.integers(min_value=1, max_value=10**6)


@given(
    st.one_of(
        st.builds(lambda ms, j: ("latency", {"latency": ms / 1e3, "jitter": j / 1e3}), _WHOLE, _WHOLE),
        st.builds(lambda kb: ("bandwidth", {"rate_bytes_per_s": kb * 1000}), _WHOLE),
        st.builds(lambda ms: ("slow_close", {"delay": ms / 1e3}), _WHOLE),
        st.builds(lambda ms: ("reset_peer", {"timeout": ms / 1e3}), _WHOLE),
        st.builds(lambda n, us: ("slicer", {"size_bytes": n, "delay": us / 1e6}), _WHOLE, _WHOLE),
        st.builds(lambda n: ("limit_data", {"size_bytes": n}), st.integers(0, 10**9)),
    ),
    st.sampled_from(["upstream", "downstream"]),
)
def test_what_is_sent_reads_back_the_same(values: tuple[str, dict[str, float]], stream: Any) -> None:
    """Every toxic that Toxiproxy can express exactly reads back equal, so that states can be compared."""
    toxic = Toxic("a", values[0], stream, values[1])
    assert from_wire(to_wire(toxic)) == toxic


@given(st.floats(min_value=1e-6, max_value=1e6), st.sampled_from(["latency", "bandwidth"]))
def test_what_is_sent_is_close_to_what_was_asked(value: float, kind: str) -> None:
    """Rounding changes a value by at most a twentieth; a value that it would change more is refused."""
    name = "latency" if kind == "latency" else "rate_bytes_per_s"
    toxic = Toxic("a", kind, attributes={name: value})
    try:
        sent = to_wire(toxic)
    except UsageError:
        return
    back = from_wire(sent)
    assert back.attributes[name] == pytest.approx(value, rel=0.0501)


def test_a_kind_that_we_do_not_know_is_shown_as_it_is() -> None:
    """A toxic of another user's with an unknown kind is not hidden."""
    told = {"name": "a", "type": "noop", "stream": "upstream", "toxicity": 1.0, "attributes": {"x": 3}}
    assert from_wire(told) == Toxic("a", "noop", "upstream", {"x": 3})
