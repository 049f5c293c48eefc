"""Which release a component runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.engines.http import NoAnswer, get
from chaoskit.faults.releases import ask, http_ports, look, rendered, runs, version_of
from chaoskit.system import Link
from tests.faults.shop import Shop, answering


@pytest.mark.parametrize(
    ("body", "version"),
    [
        ("1.4.2\n", "1.4.2"),
        ("", ""),
        ('{"version": "1.4.2", "host": "a"}', "1.4.2"),
        ('{"release": 7, "host": "a"}', "7"),
        ('{"b": 1, "a": 2}', '{"a": 2, "b": 1}'),
        ('"1.4.2"', "1.4.2"),
        ("12", "12"),
        ('{"version": null}', "null"),
    ],
)
def test_the_version_is_the_text_or_what_json_calls_it(body: str, version: str) -> None:
    """Whole text, or the version or release of a JSON object; else the object, in one writing."""
    assert version_of(body) == version


@given(
    st.lists(st.builds(lambda n: {"RELEASE": f"{n}", "TAG": f"v{n}", "HOME": "/"}, st.integers(0, 6))),
    st.integers(0, 4),
)
def test_a_rendered_release_is_new_to_everybody(current: list[dict[str, str]], number: int) -> None:
    """However the system is now, no component has these variables already; the values are in step."""
    values = rendered({"RELEASE": "{n}", "TAG": "v{n}"}, number, current)
    assert int(values["RELEASE"]) >= number
    assert values["TAG"] == f"v{values['RELEASE']}"
    assert not any(runs(given, values) for given in current)


def test_values_without_a_number_stay() -> None:
    """Braces of other kinds belong to the application."""
    wanted = {"RELEASE": "2", "FLAGS": '{"a": {}}'}
    assert rendered(wanted, 1, [wanted]) == wanted


def test_a_component_is_asked_over_its_own_address() -> None:
    """A look has the start, the image, the variables and the answer, or why there was none."""
    with answering(Shop(2)) as shop:
        seen = look(shop, "api-2", 80, "/version")
        assert (seen.version, seen.image, seen.environment["RELEASE"]) == ("1", "image:1", "1")
        assert seen.started_at == shop.state("api-2").started_at
        assert look(shop, "api-2", 80, "/nothing").trouble == "status 404"
        assert look(shop, "api-2", 80, None).version is None
        with pytest.raises(NoAnswer, match="status 404"):
            ask(shop, "api-1", 80, "/nothing")
    assert "refused" in look(shop, "api-2", 80, "/version").trouble


def test_what_is_no_http_is_no_answer() -> None:
    """Nobody there is an answer of its own, never an exception of the library's."""
    with pytest.raises(NoAnswer, match="refused"):
        get(Shop(1), "api-1", 80, "/")


def test_the_only_port_needs_no_name() -> None:
    """One port is the port, whether it answers or not; of several those that speak HTTP."""
    with answering(Shop(1)) as shop:
        assert http_ports(shop, "api-1", "/nothing") == (80,)
        shop.links = (*shop.links, Link("outside", "api-1", 81))
        assert http_ports(shop, "api-1", "/nothing") == (80,)
    assert http_ports(shop, "api-1", "/version") == ()
    assert http_ports(Shop(1), "api-1", "/version") == (80,)
