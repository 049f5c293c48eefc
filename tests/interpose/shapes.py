"""Applications for the tests, in the shape that ``docker compose config`` produces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from chaoskit.interpose import Interposed, interpose
from chaoskit.interpose.model import Resolved

SERVICES = ("web", "api", "user_db", "cache", "Worker", "a.b", "x-y")
NETWORKS = ("front", "back", "deep", "default")


def resolved(
    services: Mapping[str, Mapping[str, Any]],
    *,
    exposed: Mapping[str, tuple[int, ...]] | None = None,
    networks: Mapping[str, Mapping[str, Any]] | None = None,
    **rest: Any,
) -> Resolved:
    """An application of these services; a service without networks is in the default one."""
    whole: dict[str, Any] = {}
    used: dict[str, dict[str, Any]] = {}
    for name, service in services.items():
        whole[name] = {"image": "app", "command": None, "entrypoint": None, **service}
        if "network_mode" not in service:
            whole[name].setdefault("networks", {"default": None})
            used |= {key: {"name": f"shop_{key}"} for key in whole[name]["networks"]}
    for key, settings in (networks or {}).items():
        used[key] = {**used.get(key, {}), **settings}
    config = {"name": "shop", "services": whole, "networks": used, **rest}
    return Resolved(config=config, directory=Path("/shop"), exposed=exposed or dict.fromkeys(services, ()))


def published(*targets: int, host: str | None = None) -> list[dict[str, Any]]:
    """``ports`` in the long form."""
    wanted = {"published": host} if host else {}
    return [{"mode": "ingress", "target": target, "protocol": "tcp", **wanted} for target in targets]


def rewritten(
    services: Mapping[str, Mapping[str, Any]], external: Iterable[str] = (), **how: Any
) -> Interposed:
    """An application of these services, interposed."""
    return interpose(resolved(services, **how), run_id="test", external=external)


def links(interposed: Interposed) -> set[str]:
    """The links, as users write them."""
    return {each.link.name for each in interposed.placed}


def aliases(interposed: Interposed, consumer: str) -> dict[str, set[str]]:
    """Toxiproxy → the names that it carries in a component's network."""
    return {
        name: set(interposed.compose["services"][name]["networks"][consumer].get("aliases", ()))
        for name in interposed.toxiproxies
        if consumer in interposed.compose["services"][name]["networks"]
    }


@st.composite
def applications(draw: st.DrawFn) -> Resolved:
    """Applications with any combination of networks, replicas, ports, aliases, sidecars and links."""
    names = draw(st.lists(st.sampled_from(SERVICES), min_size=1, max_size=6, unique=True))
    ports = st.sampled_from([80, 5432, 6379, 8080, 8474, 50051])
    services: dict[str, dict[str, Any]] = {}
    owners: list[str] = []
    for name in names:
        mode = draw(st.sampled_from(["", "", "", "", "", "none", "service", "bridge"]))
        service: dict[str, Any] = {
            "environment": draw(
                st.dictionaries(st.sampled_from(["A", "B_HOST"]), st.sampled_from([*names, "x$$y", "db:1"]))
            ),
            "expose": [str(port) for port in draw(st.lists(ports, max_size=2))],
            "labels": draw(st.sampled_from([{}, {"kept": "yes"}])),
            "command": draw(st.sampled_from([None, ["echo", "$$HOME"]])),
            "healthcheck": draw(st.sampled_from([{"test": ["CMD", "true"]}, {"disable": True}])),
        }
        if mode == "service" and owners:
            service["network_mode"] = f"service:{draw(st.sampled_from(owners))}"
            service["depends_on"] = {service["network_mode"].split(":")[1]: {"condition": "service_started"}}
        elif mode in ("none", "bridge"):
            service["network_mode"] = mode
        else:
            service["networks"] = {
                key: draw(
                    st.none()
                    | st.fixed_dictionaries(
                        {"aliases": st.lists(st.sampled_from(["one", "two", *names]), max_size=2)}
                    )
                )
                for key in draw(st.lists(st.sampled_from(NETWORKS), min_size=1, max_size=3, unique=True))
            }
            service["ports"] = published(*draw(st.lists(ports, max_size=2)))
            service["links"] = draw(
                st.lists(st.sampled_from([f"{other}:linked" for other in owners] or ["web"]), max_size=1)
            )
            if draw(st.booleans()):
                service["hostname"] = f"{name}.host"
            owners.append(name)
        if draw(st.integers(0, 3)) == 0:
            service["deploy"] = {"replicas": draw(st.integers(1, 3))}
        elif draw(st.booleans()):
            service["container_name"] = f"the-{name}"
        services[name] = service
    return resolved(services)
