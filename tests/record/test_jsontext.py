"""JSON of a million numbers, piece by piece."""

from __future__ import annotations

import json
import tracemalloc
from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.record.jsontext import WRITTEN_NUMBERS, parse, pieces

COLUMNS = {"at": "d", "what": "B"}
TIMES = st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9))
NUMBERS = st.lists(st.integers(0, 255))
OTHER = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
)
HELD = st.fixed_dictionaries({"at": TIMES, "what": NUMBERS})
NEARLY = st.fixed_dictionaries({"what": NUMBERS, "at": TIMES}) | st.fixed_dictionaries(
    {"at": st.lists(st.text() | st.booleans(), min_size=1), "what": NUMBERS}
)
DOCUMENTS = st.dictionaries(st.text() | st.just('{"at":[1],"what":[2]}'), HELD | NEARLY | OTHER)


def plain(value: Any) -> str:
    """The text as the standard library makes it at once."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def lists(value: Any) -> Any:
    """The same value with a list for each array, and ``None`` for each infinite number in it."""
    if isinstance(value, array):
        return [None if each == float("inf") else each for each in value]
    if isinstance(value, dict):
        return {key: lists(each) for key, each in value.items()}
    return value


@given(OTHER)
def test_the_pieces_are_the_text(value: Any) -> None:
    """Joined, the pieces are the text of the standard library, to the last character."""
    assert "".join(pieces(value)) == plain(value)


@pytest.mark.parametrize(
    "length", [0, 1, WRITTEN_NUMBERS - 1, WRITTEN_NUMBERS, WRITTEN_NUMBERS + 1, 2 * WRITTEN_NUMBERS + 7]
)
def test_long_lists_and_arrays_are_whole(length: int) -> None:
    """Where one piece ends and the next begins nothing is lost, doubled or left without a comma."""
    numbers = [each / 7 for each in range(length)]
    assert "".join(pieces({"a": numbers, "b": array("d", numbers)})) == plain({"a": numbers, "b": numbers})


@given(st.lists(st.floats(allow_nan=False).filter(lambda each: each != float("-inf"))))
def test_arrays_are_written_as_lists(numbers: list[float]) -> None:
    """Each number is written as in a list; infinity becomes null, as JSON has no infinity."""
    assert "".join(pieces(array("d", numbers))) == plain([None if n == float("inf") else n for n in numbers])


def test_keys_that_are_no_text_are_written_as_ever() -> None:
    """The standard library makes text of them."""
    value = {1: [True], None: {2.5: "x"}}
    assert "".join(pieces({"a": value})) == plain({"a": value})


@given(DOCUMENTS, st.sampled_from([None, 2]))
def test_what_is_read_is_what_was_written(document: dict[str, Any], indent: int | None) -> None:
    """Columns come as arrays, however the text is laid out; an object that only looks like columns stays as
    it was.
    """
    found = parse(json.dumps(document, indent=indent, ensure_ascii=False).encode(), COLUMNS)
    assert lists(found) == json.loads(json.dumps(document))
    for key, value in document.items():
        if isinstance(value, dict) and list(value) == ["at", "what"]:
            fits = not any(isinstance(each, (str, bool)) for each in value["at"])
            assert isinstance(found[key]["at"], array) is fits


def test_numbers_that_do_not_fit_stay_a_list() -> None:
    """A list that does not fit into its array stays whole, so that its reader finds the mistake."""
    found = parse(b'{"at": [1e5, null], "what": [256, 1]}', COLUMNS)
    assert lists(found) == {"at": [1e5, None], "what": [256, 1]}
    assert parse(b'{"at": [], "what": [1.5]}', COLUMNS)["what"] == [1.5]


def test_a_long_column_is_read_whole() -> None:
    """A long column is read in parts, and no part cuts a number in two."""
    numbers = [each / 3 for each in range(20_000)]
    found = parse(plain({"at": numbers, "what": [7] * 200_000}).encode(), COLUMNS)
    assert found["at"].tolist() == numbers
    assert found["what"] == array("B", [7] * 200_000)


@pytest.mark.parametrize(
    "text", [b"", b'{"at":[1,,2],"what":[1]}', b'{"at":[nul],"what":[]}', b"\xff\xfe", b'{"a":']
)
def test_what_is_no_json_is_refused(text: bytes) -> None:
    """Text that is not JSON is refused, also inside a column."""
    with pytest.raises(ValueError):  # noqa: PT011 - as the standard library says it
        parse(text, COLUMNS)


def test_many_numbers_take_no_lists() -> None:
    """Besides arrays and text, writing and reading takes a small part of the memory of a list."""
    column = {"at": array("d", (each / 7 for each in range(30_000))), "what": array("B", bytes(30_000))}
    data = "".join(pieces({"one": column})).encode()
    tracemalloc.start()
    try:
        assert sum(map(len, pieces({"one": column}))) == len(data)
        _, to_write = tracemalloc.get_traced_memory()
        assert to_write < 600_000
        tracemalloc.reset_peak()
        parse(data, COLUMNS)
        _, to_read = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert to_read < len(data) + 1_200_000
