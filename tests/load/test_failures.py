from __future__ import annotations

import httpx
import pytest

from chaoskit.load.failures import LINE_LENGTH, one_line, user_traceback


def raised_by(code: str) -> BaseException:
    """The exception that some code raises."""
    try:
        exec(code, {"__name__": "shop"})
    except Exception as error:  # noqa: BLE001
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("no stock"), "ValueError: no stock"),
        (KeyError("id"), "KeyError: 'id'"),
        (TimeoutError(), "TimeoutError"),
        (ValueError("two\n  lines"), "ValueError: two lines"),
    ],
)
def test_an_error_is_its_type_and_message(error: Exception, line: str) -> None:
    """An error is one line, whatever its message contains."""
    assert one_line(error) == line


def test_a_long_message_is_cut() -> None:
    """No line is longer than the limit, and a cut one shows it."""
    line = one_line(ValueError("x" * 500))
    assert len(line) == LINE_LENGTH
    assert line.endswith("…")


def test_an_http_status_is_told_without_its_query() -> None:
    """Answers group by status, method and path, not by what was searched for."""
    request = httpx.Request("GET", "http://127.0.0.1:1/listings?page=2")
    response = httpx.Response(503, request=request)
    with pytest.raises(httpx.HTTPStatusError) as error:
        response.raise_for_status()
    assert one_line(error.value) == "HTTPStatusError: 503 Service Unavailable from GET /listings"


def test_a_bare_assertion_shows_its_source() -> None:
    """An assert without a message shows the line that failed."""
    with pytest.raises(AssertionError) as caught:
        raise AssertionError  # the line that is told
    assert one_line(caught.value) == "AssertionError: raise AssertionError  # the line that is told"


def test_the_users_traceback_is_kept() -> None:
    """A traceback has the frames of the user's code and the error, and no frame of chaoskit."""
    text = user_traceback(raised_by("def pay():\n    return amount_due\npay()"))
    assert "in pay" in text
    assert text.endswith("NameError: name 'amount_due' is not defined")
