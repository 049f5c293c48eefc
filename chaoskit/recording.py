"""What of an experiment goes into its journal, and under which name."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chaoskit import journal, logs
from chaoskit.judge import DECISIVE, Judgement, moments, phases
from chaoskit.masking import compose_secrets

if TYPE_CHECKING:
    from chaoskit.experiment import Experiment


def record_of(experiment: Experiment, judgement: Judgement) -> dict[str, Any]:
    """Everything that the verdict was decided from, as ``journal.schema.json`` describes it."""
    environment, runtime = experiment.environment, experiment.environment.runtime
    return {
        "version": journal.VERSION,
        "experiment": {"name": experiment.name, **experiment.about},
        "run": {
            "id": runtime.run_id,
            "seed": environment.seed,
            "turn": environment.turn,
            "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
        },
        "system": {
            "compose": [str(path) for path in environment.system.compose],
            "components": [asdict(component) for component in runtime.components],
            "links": [link.name for link in runtime.links],
            "journeys": [asdict(each.terms) for each in environment.system.journeys],
        },
        "faults": [fault.describe() for fault in experiment.faults],
        "impact": journal.impact_to_record(experiment.impact),
        "timing": asdict(experiment.timing),
        "settings": asdict(experiment.settings),
        "reset": asdict(experiment.reset) if experiment.reset else None,
        "history": journal.history_to_record(experiment.history),
        "judgement": judgement.to_record(),
        "logs": _logs(experiment, judgement),
    }


def _logs(experiment: Experiment, judgement: Judgement) -> dict[str, Any]:
    """What the components logged around the moments at which something was done or broke."""
    history = experiment.history
    try:
        last = max((column.intended[-1] for column in history.columns().values()), default=0.0)
        found = moments(history.marks, phases(history.marks, last), judgement)
        decisive = [each.at for each in found if each.name in DECISIVE]
    except Exception:  # noqa: BLE001 - a history that crashes the judge still gets its journal
        decisive = []
    system = experiment.environment.system
    secrets = compose_secrets(system.compose, system.environment)
    return logs.gather(experiment.environment.runtime, decisive, journal.origin(history), secrets)


def file_name(experiment: str) -> str:
    """The name of the journal of an experiment: the experiment's own, as far as a file may bear it."""
    kept = "".join(c if c.isalnum() or c in "-_." else "-" for c in experiment)
    return f"{kept.strip('-.')[:120] or 'experiment'}.json"
