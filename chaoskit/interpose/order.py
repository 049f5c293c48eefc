"""Who starts before whom."""

from __future__ import annotations

import json
import re

from chaoskit.interpose.members import Application, Member


def comes_first(member: Member, application: Application) -> bool:
    """Whether a component starts beside Toxiproxy instead of after it, which saves that time.

    One that others wait for, that waits for nobody and names nobody is at the bottom of the order:
    without chaoskit, too, nobody else is there when it starts.
    """
    service = member.component.service
    if member.service.get("depends_on"):
        return False
    others = [each for each in application.members if each.component.service != service]
    if not any(service in (each.service.get("depends_on") or {}) for each in others):
        return False
    said = json.dumps([member.service.get(key) for key in ("environment", "command", "entrypoint")])
    return not any(re.search(rf"\b{re.escape(each.component.service)}\b", said) for each in others)
