"""The journal's Python types and its JSON schema."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from chaoskit.record import journal
from chaoskit.record.journal_types import ExperimentRecord, FaultRecord, Journal

SCHEMA: dict[str, Any] = json.loads(journal.SCHEMA.read_text())

WORDS = {float: "number", int: "integer", str: "string", bool: "boolean", NoneType: "null"}

OPEN = (ExperimentRecord, FaultRecord)
"""The types that may have further keys, which a ``TypedDict`` cannot say."""


def differences(
    hint: Any, schema: Mapping[str, Any], root: Mapping[str, Any], at: str = "$"
) -> Iterator[str]:
    """Where a type and a schema do not describe the same values, each as ``path: type, schema``."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    origin, arguments = get_origin(hint), get_args(hint)
    if is_typeddict(hint):
        yield from _object(hint, schema, root, at)
    elif origin is UnionType:
        options = schema.get("anyOf", [])
        if len(options) != len(arguments):
            yield f"{at}: {hint}, {schema}"
        for argument, option in zip(arguments, options, strict=False):
            yield from differences(argument, option, root, at)
    elif origin is Literal:
        if list(arguments) != schema.get("enum", [schema.get("const")]):
            yield f"{at}: {hint}, {schema}"
    elif origin is Sequence:
        if schema.get("type") != "array" or "prefixItems" in schema or "maxItems" in schema:
            yield f"{at}: {hint}, {schema}"
        yield from differences(arguments[0], schema.get("items", {}), root, f"{at}[]")
    elif origin is tuple:
        items = schema.get("prefixItems") or [schema.get("items", {})] * len(arguments)
        if (schema.get("minItems"), schema.get("maxItems"), len(items)) != (len(arguments),) * 3:
            yield f"{at}: {hint}, {schema}"
        for argument, item in zip(arguments, items, strict=False):
            yield from differences(argument, item, root, f"{at}[]")
    elif origin is Mapping:
        if schema.get("type") != "object" or "properties" in schema:
            yield f"{at}: {hint}, {schema}"
        yield from differences(arguments[1], schema.get("additionalProperties", {}), root, f"{at}.*")
    elif hint is Any:
        if schema:
            yield f"{at}: {hint}, {schema}"
    elif schema.get("type") != WORDS[hint]:
        yield f"{at}: {hint}, {schema}"


def _object(hint: Any, schema: Mapping[str, Any], root: Mapping[str, Any], at: str) -> Iterator[str]:
    hints = get_type_hints(hint, include_extras=True)
    required = {name for name, each in hints.items() if get_origin(each) is not NotRequired}
    properties = schema.get("properties", {})
    if schema.get("type") != "object" or schema.get("additionalProperties", True) is not (hint in OPEN):
        yield f"{at}: {hint}, {schema}"
    if required != set(schema.get("required", ())):
        yield f"{at}: required {sorted(required)}, {sorted(schema.get('required', ()))}"
    if set(hints) != set(properties):
        yield f"{at}: keys {sorted(hints)}, {sorted(properties)}"
    for name in set(hints) & set(properties):
        inner = hints[name] if name in required else get_args(hints[name])[0]
        yield from differences(inner, properties[name], root, f"{at}.{name}")


def test_the_types_and_the_schema_say_the_same() -> None:
    """Every key, whether it is required, and the type of its value are equal, at every depth."""
    assert list(differences(Journal, SCHEMA, SCHEMA)) == []


def _properties(schema: dict[str, Any], *way: str) -> dict[str, Any]:
    for step in way:
        schema = schema[step]
    return schema


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a new key": lambda s: s["properties"].update(colour={"type": "string"}),
    "a key less": lambda s: s["$defs"]["finding"]["properties"].pop("at"),
    "a key that must be there": lambda s: s["required"].append("logs"),
    "a key that need not be there": lambda s: s["$defs"]["slo"]["required"].remove("p99"),
    "another type": lambda s: s["properties"]["run"]["properties"].update(seed={"type": "string"}),
    "nothing instead of null": lambda s: s["$defs"]["slo"]["properties"].update(p50={"type": "number"}),
    "another word": lambda s: s["$defs"]["verdict"]["enum"].append("perhaps"),
    "another version": lambda s: s["properties"]["version"].update(const=99),
    "other items": lambda s: s["$defs"]["terms"]["properties"]["needs"]["items"].update(type="integer"),
    "a longer pair": lambda s: _properties(
        s, "$defs", "terms", "properties", "course", "properties", "knots", "items"
    ).update(maxItems=3),
    "other values": lambda s: s["properties"]["timing"]["additionalProperties"].update(type="string"),
    "further keys": lambda s: s["$defs"]["slo"].update(additionalProperties=True),
    "figures that are bound": lambda s: s["properties"]["settings"].update(properties={"alpha": {}}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_of_the_schema_alone_is_noticed(change: str) -> None:
    """The comparison finds each kind of change that a schema can have."""
    schema = copy.deepcopy(SCHEMA)
    CHANGES[change](schema)
    assert list(differences(Journal, schema, schema))
