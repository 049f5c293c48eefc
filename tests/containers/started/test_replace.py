"""The configuration of a container that replaces another one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.containers.started.replace import copied_files, sharing, successor
from chaoskit.interpose import Interposed

IMAGE: dict[str, Any] = {
    "Id": "sha256:11",
    "RepoTags": ["shop/api:1"],
    "Config": {
        "Env": ["PATH=/bin", "LANG=C"],
        "Cmd": ["serve"],
        "Entrypoint": ["/old"],
        "WorkingDir": "/srv",
        "ExposedPorts": {"80/tcp": {}},
        "Labels": {"version": "1"},
        "Healthcheck": {"Test": ["CMD", "old"]},
    },
}


def inspected(**config: Any) -> dict[str, Any]:
    """A container of that image, in a network with a fixed address."""
    own = {
        "Hostname": "abcdefabcdef",
        "Image": "shop/api:1",
        "Env": ["PATH=/bin", "LANG=C", "RELEASE=1", "URL=http://db:1/?a=b"],
        "Cmd": ["serve"],
        "Entrypoint": ["/old"],
        "WorkingDir": "/srv",
        "ExposedPorts": {"80/tcp": {}, "81/tcp": {}},
        "Labels": {"version": "1", "org.chaoskit.run": "r"},
        "Healthcheck": {"Test": ["CMD", "old"]},
        "User": "app",
    }
    return {
        "Id": "abcdefabcdef0123",
        "Name": "/chaoskit-r-api-1",
        "Config": own | config,
        "HostConfig": {"RestartPolicy": {"Name": "always"}, "NetworkMode": "n"},
        "NetworkSettings": {
            "Networks": {
                "n": {
                    "IPAMConfig": {"IPv4Address": "10.0.0.4"},
                    "Aliases": ["api", "abcdefabcdef"],
                    "IPAddress": "10.0.0.4",
                    "MacAddress": "02:42:0a:00:00:04",
                    "EndpointID": "e",
                }
            }
        },
    }


def test_only_the_variables_differ() -> None:
    """Everything else is the old container's, except values that the engine generated for it."""
    old = inspected()
    body = successor(old, IMAGE, image=None, environment={"RELEASE": "2", "LANG": None, "NEW": "x"})
    assert body.pop("Env") == ["PATH=/bin", "RELEASE=2", "URL=http://db:1/?a=b", "NEW=x"]
    assert body.pop("HostConfig") == old["HostConfig"]
    endpoint = {"IPAMConfig": {"IPv4Address": "10.0.0.4"}, "Links": None, "DriverOpts": None}
    endpoints = {"n": {**endpoint, "Aliases": ["api"]}}
    assert body.pop("NetworkingConfig") == {"EndpointsConfig": endpoints}
    kept = {name: value for name, value in old["Config"].items() if name not in ("Env", "Hostname")}
    assert body == kept


def test_a_host_name_of_the_users_own_stays() -> None:
    """Only a host name that the engine generated is generated again."""
    body = successor(inspected(Hostname="shop"), IMAGE, image=None, environment={})
    assert body["Hostname"] == "shop"


def test_another_image_brings_its_own_defaults() -> None:
    """Values from the old image come from the new one instead; values that the user gave stay."""
    body = successor(inspected(), IMAGE, image="shop/api:2", environment={"RELEASE": "2"})
    assert body["Image"] == "shop/api:2"
    assert body["Env"] == ["RELEASE=2", "URL=http://db:1/?a=b"]
    assert body["ExposedPorts"] == {"81/tcp": {}}
    assert body["Labels"] == {"org.chaoskit.run": "r"}
    assert body["User"] == "app"
    assert not {"Cmd", "Entrypoint", "WorkingDir", "Healthcheck"} & body.keys()


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({"Cmd": ["work"]}, {"Cmd": ["work"]}),
        ({"Entrypoint": ["/mine"]}, {"Entrypoint": ["/mine"], "Cmd": ["serve"]}),
        ({"Entrypoint": ["/mine"], "Cmd": None}, {"Entrypoint": ["/mine"], "Cmd": None}),
    ],
)
def test_a_command_of_the_users_own_stays(own: dict[str, Any], expected: dict[str, Any]) -> None:
    """With the user's own entry point the engine ignores the image's command, so the command stays too."""
    body = successor(inspected(**own), IMAGE, image="shop/api:2", environment={})
    assert {name: body[name] for name in ("Cmd", "Entrypoint") if name in body} == expected


def test_a_tag_that_has_moved_is_not_followed() -> None:
    """The new container has the same image, even if its name now means another one."""
    body = successor(inspected(), IMAGE | {"RepoTags": []}, image=None, environment={})
    assert body["Image"] == "sha256:11"


NAMES = st.text("ABC", min_size=1, max_size=2)


@given(st.dictionaries(NAMES, st.text("=x", max_size=3)), st.dictionaries(NAMES, st.none() | st.text("=y")))
def test_the_environment_is_the_old_one_with_the_changes(
    before: dict[str, str], change: dict[str, str | None]
) -> None:
    """This holds for any variables, also for values with equal signs."""
    told = [f"{name}={value}" for name, value in before.items()]
    body = successor(inspected(Env=told), IMAGE, image=None, environment=change)
    after = dict(entry.partition("=")[::2] for entry in body["Env"])
    assert after == {name: value for name, value in {**before, **change}.items() if value is not None}


def interposed(services: dict[str, Any], **more: Any) -> Interposed:
    """The parts of a rewritten system that are read; components are named like their services."""
    return Interposed(
        compose={"services": services, **more},
        components=(),
        placed=(),
        routes=(),
        services={name: name for name in services},
        toxiproxies=(),
        spares={},
        entries={},
        harness={},
        warnings=(),
    )


def test_who_shares_a_namespace_is_known_from_both_sides() -> None:
    """Sidecars and their owner share a network, processes or IPC; other components are alone."""
    system = interposed(
        {
            "api": {"networks": {}},
            "logger": {"network_mode": "service:api"},
            "debugger": {"pid": "service:api", "ipc": "shareable"},
            "cache": {"network_mode": "none"},
        }
    )
    assert sharing(system, "api") == ("logger", "debugger")
    assert sharing(system, "logger") == ("api",)
    assert sharing(system, "debugger") == ("api",)
    assert sharing(system, "cache") == ()


def test_files_that_compose_copies_are_carried_along() -> None:
    """Text and variables become files without a mount; files of this machine are mounted."""
    system = interposed(
        {
            "api": {
                "configs": [
                    {"source": "note", "target": "/etc/note"},
                    {"source": "bare"},
                    {"source": "file"},
                ],
                "secrets": ["key", {"source": "token", "target": "t"}, {"source": "file"}],
            }
        },
        configs={"note": {"content": "x"}, "bare": {"environment": "X"}, "file": {"file": "/x"}},
        secrets={"key": {"environment": "K"}, "token": {"environment": "T"}, "file": {"file": "/x"}},
    )
    assert copied_files(system, "api") == ("/etc/note", "/bare", "/run/secrets/key", "/run/secrets/t")
