"""Secrets in the text of others."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.record.masking import MASK, SHORTEST_SECRET, Masker, compose_secrets, secret_name, secrets_of

PASSWORD = "hunter2!x"


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("DB_PASSWORD", True),
        ("PGPASSWORD", True),
        ("jwt.secret", True),
        ("API_KEY", True),
        ("GITHUB_TOKEN", True),
        ("KEYBOARD", False),
        ("MONKEY", False),
        ("POSTGRES_PASSWORD_FILE", False),
        ("PWD", False),
        ("PATH", False),
    ],
)
def test_a_variable_is_secret_by_its_name(name: str, secret: bool) -> None:
    """The words of the name decide; the place of a secret is not a secret, and neither is the working
    folder.
    """
    assert secret_name(name) is secret


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (f"auth failed for shop: {PASSWORD}", "auth failed for shop: ***"),
        ("GET /?key=hunter2%21x 200", "GET /?key=*** 200"),
        ("to postgres://shop:p%40ss@db:5432/shop", "to postgres://shop:***@db:5432/shop"),
        ("to redis://:pw@cache, amqp://a:b@q", "to redis://:***@cache, amqp://a:***@q"),
        ("to http://shop:p@ss:w@api/x", "to http://shop:***@api/x"),
        ("GET http://api:8080/users?mail=a@b.example", "GET http://api:8080/users?mail=a@b.example"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("> set-cookie: id=1; Path=/", "> set-cookie: ***"),
        ("curl -H 'Authorization: Bearer x' http://api/", "curl -H 'Authorization: ***' http://api/"),
        ('{"cookie": "id=1", "status": 200}', '{"cookie": "***", "status": 200}'),
        ("[(b'authorization', b'Basic eA=='), (b'host', b'api')]", None),
        ("authorization denied, no cookie given", "authorization denied, no cookie given"),
    ],
)
def test_what_is_secret_is_masked_and_the_rest_stays(line: str, shown: str | None) -> None:
    """Known values (also in a URL's form), passwords of URLs and values of headers are masked."""
    expected = shown or "[(b'authorization', b'***'), (b'host', b'api')]"
    assert Masker(secrets_of({"DB_PASSWORD": PASSWORD})).text(line) == expected


@pytest.mark.parametrize("value", ["", "s3cr!", "marketplace", "86400000"])
def test_what_is_short_a_word_or_a_number_stays(value: str) -> None:
    """Short values, words and numbers occur in many lines that hold no secret."""
    line = f"market {value} at 12:00"
    assert Masker(secrets_of({"CACHE_KEY": value})).text(line) == line


def test_a_password_in_a_variables_url_is_known_wherever_it_stands() -> None:
    """A password of a URL is masked decoded, too, and in a line without a URL."""
    masker = Masker(secrets_of({"DATABASE_URL": "postgres://shop:p%40ssw0rd@db/shop"}))
    assert masker.text("password=p@ssw0rd or p%40ssw0rd") == f"password={MASK} or {MASK}"


def test_every_line_of_a_secret_is_one_and_the_longest_is_masked_first() -> None:
    """A key of several lines is logged line by line; a secret that begins with another one is masked
    whole.
    """
    masker = Masker(["first0ne\nsecond0ne\n", "first0ne-and-more"])
    assert masker.text("x first0ne-and-more y second0ne") == "x *** y ***"


def test_the_secrets_of_compose_files_are_read_where_they_can_be(tmp_path: Path) -> None:
    """Secrets come from files beside the compose file and from variables; an unreadable one costs nothing."""
    (tmp_path / "db.txt").write_text("from-a-file\n")
    (tmp_path / "compose.yaml").write_text(
        "secrets:\n  a: {file: db.txt}\n  b: {environment: B}\n"
        "  c: {file: absent}\n  d: {external: true}\n  e:\n"
    )
    (tmp_path / "broken.yaml").write_text("secrets: [")
    (tmp_path / "empty.yaml").write_text("")
    files = [tmp_path / name for name in ("compose.yaml", "broken.yaml", "empty.yaml", "absent.yaml")]
    assert list(compose_secrets(files, {"B": "from-a-variable"})) == ["from-a-file\n", "from-a-variable"]


def telling(value: str) -> bool:
    """Whether a value is long enough, and neither a word nor a number, so that it has to be masked."""
    return len(value) >= SHORTEST_SECRET and not value.isalpha() and not value.isdigit()


ODD = st.sampled_from('ab1%+"\\/@:* =~é\u2028\n')
"""Characters that URLs, headers, JSON and the mask itself are made of: short texts of them collide."""
SECRET = (
    st.text(min_size=SHORTEST_SECRET, max_size=12) | st.text(ODD, min_size=SHORTEST_SECRET, max_size=12)
).map(str.strip)
AROUND = st.text(max_size=40) | st.text(ODD, max_size=40)


@given(
    st.lists(SECRET.filter(telling), min_size=1, max_size=3),
    st.lists(AROUND, min_size=4, max_size=4),
    st.data(),
)
def test_a_known_secret_never_survives(secrets: list[str], around: list[str], data: st.DataObject) -> None:
    """Whatever surrounds secrets, and however they overlap, none is left: plain, in a URL or in JSON."""
    forms = [secrets, *[[quote(s, safe="") for s in secrets], [json.dumps(s)[1:-1] for s in secrets]]]
    for written in forms:
        pieces = data.draw(st.permutations([*written, *around]))
        masked = Masker(secrets).text("".join(pieces))
        assert [secret for secret in (*secrets, *written) if secret in masked] == []
        assert MASK in masked


def test_secrets_that_overlap_leave_nothing_of_each_other() -> None:
    """The rest of a secret whose start was the end of another one is masked, too."""
    assert Masker(["abc123x", "123xyz9888"]).text("<abc123xyz9888>") == "<***>"


@pytest.mark.parametrize(
    ("secrets", "text", "shown"),
    [
        (["ab***c1", "s3cret!"], "abs3cret!c1", "***"),
        (["shop:***@db1"], "pg://shop:pass@db1", "pg://***"),
    ],
)
def test_a_mask_and_its_neighbours_spell_no_secret(secrets: list[str], text: str, shown: str) -> None:
    """The text that masking has written is masked once more."""
    assert Masker(secrets).text(text) == shown


@given(st.text(max_size=200), st.lists(st.text(max_size=30)))
def test_no_text_is_too_strange(text: str, secrets: list[str]) -> None:
    """Whatever is logged and whatever is secret: a text without a mask is as it was."""
    masker = Masker(secrets)
    once = masker.text(text)
    assert MASK in once or once == text
