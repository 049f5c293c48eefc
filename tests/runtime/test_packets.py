"""What is said to nft and bash, and what they say."""

from __future__ import annotations

from typing import Any

import pytest

from chaoskit.errors import RuntimeFailure
from chaoskit.runtime import Executed
from chaoskit.runtime.packets import connected, dropping, met, rules, split, table


@pytest.mark.parametrize(
    ("done", "word"),
    [
        (Executed(0, "accepted 0\n"), "open"),
        (Executed(0, "accepted 142\n"), "quiet"),
        (Executed(0, "bash: line 2: read: read error: 3: Connection reset by peer\naccepted 1\n"), "refused"),
        (
            Executed(3, "bash: connect: Connection refused\nbash: /dev/tcp/10.0.0.2/1: Connection refused"),
            "refused",
        ),
        (Executed(124, ""), "silent"),
        (Executed(137, ""), "silent"),
        (Executed(3, "bash: connect: No route to host"), "silent"),
        (Executed(3, "bash: connect: Connection timed out"), "silent"),
    ],
)
def test_the_words_of_bash(done: Executed, word: str) -> None:
    """What bash and timeout print and return is understood."""
    assert met(done, "10.0.0.2:1") == word


def test_words_that_are_not_understood_are_an_error() -> None:
    """A probe that could not work is never taken for a state of the link."""
    with pytest.raises(RuntimeFailure, match="not understood") as caught:
        met(Executed(127, "bash: not found"), "10.0.0.2:1")
    assert "bash: not found" in str(caught.value.evidence)


def test_a_probe_without_any_container_is_an_error() -> None:
    """Nowhere to connect from is not a state of the link either."""
    nowhere: Any = None
    with pytest.raises(RuntimeFailure, match="no container to connect"):
        connected(nowhere, [None], "10.0.0.2:1", 1.0)


def test_rules_name_both_directions_and_no_more() -> None:
    """One table of its own; what comes in to the address and port, and what goes out from them."""
    name = table("api.db.5432")
    script = rules("api.db.5432", "10.0.0.2:5432").split("; ")
    assert script[0] == f"add table inet {name}"
    assert any("input ip daddr 10.0.0.2 tcp dport 5432 drop" in line for line in script)
    assert any("output ip saddr 10.0.0.2 tcp sport 5432 drop" in line for line in script)
    assert all(name in line for line in script if line.startswith("add"))
    assert "ip6 daddr fd00::2 tcp dport 80" in rules("p", "[fd00::2]:80")


def test_a_listening_address_that_is_none_never_reaches_nft() -> None:
    """Nothing but an address and a number gets into the script."""
    for listen in ("db; flush ruleset:1", "10.0.0.2:1; flush ruleset"):
        with pytest.raises(ValueError, match=r"does not appear|invalid literal"):
            split(listen)


def test_half_a_table_is_not_silence() -> None:
    """A table with one of its rules, or somebody else's, is not taken for a cut."""
    ours, theirs = table("p"), "firewall"

    def rule(name: str, chain: str, verdict: str = "drop") -> dict[str, Any]:
        return {"rule": {"table": name, "chain": chain, "expr": [{"match": {}}, {verdict: None}]}}

    assert dropping([rule(ours, "input"), rule(ours, "output")]) == {ours}
    assert dropping([rule(ours, "input")]) == frozenset()
    assert dropping([rule(ours, "input"), rule(ours, "output", "accept")]) == frozenset()
    assert dropping([rule(theirs, "input"), rule(theirs, "output")]) == frozenset()
