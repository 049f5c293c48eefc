"""Toxics in chaoskit's units (seconds, bytes) and in Toxiproxy's (ms, µs, KB/s), and back.

Toxiproxy silently accepts attributes that it does not know. An attribute that is misspelt, or that
rounds to zero, would be a fault that never happens. So every attribute is checked here before a toxic is
sent. The units are those in the source of Toxiproxy 2.12 (``toxics/*.go``): the delay of ``slicer`` is
in µs, all other times are in ms, and a KB is 1,000 bytes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from chaoskit.errors import UsageError
from chaoskit.runtime import Toxic

NAME_PATTERN: Final = re.compile(r"[A-Za-z0-9_.~-]+")
"""The names that a proxy or toxic may have: the API takes names as path segments."""

LARGEST_ROUNDING_SHARE: Final = 0.05
"""The largest share by which rounding to Toxiproxy's whole numbers may change a value."""


@dataclass(frozen=True, slots=True)
class _Attribute:
    """How one attribute is sent: its name in Toxiproxy, Toxiproxy's units in one of ours, its least value.

    The first attribute of a kind is required; the others are optional and zero by default.
    """

    wire: str
    per_unit: float
    least: int = 0


_MS_PER_S: Final = 1e3
_US_PER_S: Final = 1e6

_KIND_ATTRIBUTES: Final[Mapping[str, Mapping[str, _Attribute]]] = {
    "latency": {"latency": _Attribute("latency", _MS_PER_S), "jitter": _Attribute("jitter", _MS_PER_S)},
    "bandwidth": {"rate_bytes_per_s": _Attribute("rate", 1e-3, least=1)},  # 0 would mean: no limit
    "slow_close": {"delay": _Attribute("delay", _MS_PER_S)},
    "timeout": {"timeout": _Attribute("timeout", _MS_PER_S)},
    "reset_peer": {"timeout": _Attribute("timeout", _MS_PER_S)},
    "slicer": {
        "size_bytes": _Attribute("average_size", 1, least=1),  # 0 would recurse without end
        "variation_bytes": _Attribute("size_variation", 1),
        "delay": _Attribute("delay", _US_PER_S),
    },
    "limit_data": {"size_bytes": _Attribute("bytes", 1)},
}


def to_wire(toxic: Toxic) -> dict[str, Any]:
    """The body to send to Toxiproxy for a toxic.

    Raises:
        UsageError: Toxiproxy does not know the kind, stream, name or an attribute; a value is out of
            range, or Toxiproxy's whole numbers cannot express it to within 5%; or the toxicity is
            outside (0, 1] (``reset_peer`` acts even at toxicity 0: remove the toxic instead).
    """
    found = list(_mistakes(toxic))
    if found:
        raise UsageError(
            f"the toxic {toxic.name!r} cannot be sent to Toxiproxy",
            evidence="\n".join(f"- {mistake}" for mistake in found),
            remedy="chaoskit.runtime.Toxic lists the kinds, attributes and units",
        )
    known = _KIND_ATTRIBUTES[toxic.kind]
    return {
        "name": toxic.name,
        "type": toxic.kind,
        "stream": toxic.stream,
        "toxicity": toxic.toxicity,
        "attributes": {
            spec.wire: round(toxic.attributes.get(name, 0) * spec.per_unit) for name, spec in known.items()
        },
    }


def from_wire(sent: Mapping[str, Any]) -> Toxic:
    """A toxic from Toxiproxy's answer, the reverse of :func:`to_wire`.

    Optional attributes that are zero are left out, so that a toxic equals the one that is read back.
    Kinds that chaoskit does not know keep Toxiproxy's units.
    """
    name, kind, stream, attributes = sent["name"], sent["type"], sent["stream"], sent["attributes"]
    toxicity = round(sent["toxicity"], 6)  # Toxiproxy keeps it in 32 bits
    known = _KIND_ATTRIBUTES.get(kind)
    if known is None:
        return Toxic(name, kind, stream, dict(attributes), toxicity)
    values: dict[str, float] = {}
    for position, (ours, spec) in enumerate(known.items()):
        value = attributes.get(spec.wire, 0)
        if value or position == 0:
            values[ours] = value / spec.per_unit if spec.per_unit >= 1 else value * round(1 / spec.per_unit)
    return Toxic(name, kind, stream, values, toxicity)


def _mistakes(toxic: Toxic) -> list[str]:
    found = []
    if not NAME_PATTERN.fullmatch(toxic.name):
        found.append(f"its name {toxic.name!r} has characters other than A-Z a-z 0-9 _ . ~ -")
    if toxic.stream not in ("upstream", "downstream"):
        found.append(f"its stream {toxic.stream!r} is neither upstream nor downstream")
    if not 0 < toxic.toxicity <= 1:
        found.append(f"its toxicity {toxic.toxicity:g} is not a share above 0 and up to 1")
    known = _KIND_ATTRIBUTES.get(toxic.kind)
    if known is None:
        return [*found, f"its kind {toxic.kind!r} is not one of {', '.join(_KIND_ATTRIBUTES)}"]
    for name in sorted(set(toxic.attributes) - set(known)):
        found += [f"{toxic.kind} has no attribute {name!r}; it has {', '.join(known)}"]
    first = next(iter(known))
    if first not in toxic.attributes:
        found.append(f"{toxic.kind} needs the attribute {first!r}")
    for name, spec in known.items():
        if name in toxic.attributes:
            found += _value_mistakes(name, toxic.attributes[name], spec)
    size, variation = (toxic.attributes.get(name, 0) for name in ("size_bytes", "variation_bytes"))
    if toxic.kind == "slicer" and variation and variation >= size:
        found.append(f"variation_bytes {variation:g} must be below size_bytes {size:g}")
    return found


def _value_mistakes(name: str, value: float, spec: _Attribute) -> list[str]:
    if not (math.isfinite(value) and value >= 0):
        return [f"{name} {value:g} is not zero or above"]
    sent = round(value * spec.per_unit)
    if sent < spec.least or abs(sent / spec.per_unit - value) > LARGEST_ROUNDING_SHARE * value:
        return [f"{name} {value:g} cannot be expressed: Toxiproxy's step is {1 / spec.per_unit:g}"]
    return []
