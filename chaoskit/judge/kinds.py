"""The kinds of promises that are judged, as people read about them."""

from __future__ import annotations

from collections.abc import Mapping

KINDS: Mapping[str, str] = {
    "steady state": (
        "Before anything is injected the journey keeps its full SLO. If it does not, nothing can "
        "be said of a fault: UNKNOWN, never BROKEN."
    ),
    "independence": (
        "A journey that neither needs nor uses what is at fault keeps its full SLO while the fault is active."
    ),
    "degraded": (
        "A journey that uses what is at fault, or needs what is only strained, keeps its degraded "
        "SLO (the full one, if none is declared) while the fault is active."
    ),
    "fails fast": (
        "A journey that needs what is lost may fail, and does so within `fails_within` for 95% of "
        "the requests that fail. Judged only where that is declared."
    ),
    "survival": (
        "A journey that says that it needs what is lost kept its full SLO all the same. Never "
        "BROKEN: a note that the declaration says less than the system does."
    ),
    "recovery": (
        "The journey is back inside its full SLO within its deadline, counted from the begin of "
        "the lifting, for a whole stability window."
    ),
    "stays recovered": ("Once back inside its SLO it is not outside again after its deadline."),
    "ledger": (
        "What was acknowledged to a user is true after the recovery, once. There is no budget: "
        "one that is lost is BROKEN, one that could not be checked is UNKNOWN."
    ),
    "read your writes": (
        "A user who reads sees what the same user wrote before, or newer. Judged where the journey says "
        "what it wrote and read (`user.wrote`, `user.read`)."
    ),
    "monotonic reads": (
        "A user who reads sees nothing older than what the same user read before. Judged as above."
    ),
    "measurement": (
        "The load engine was on time, and the arrivals are on record. Never BROKEN: what cannot "
        "be measured is UNKNOWN."
    ),
    "experiment": (
        "The fault landed, lasted until it was lifted, and is gone; no instrument failed. Never "
        "BROKEN: without evidence the verdict is UNKNOWN."
    ),
}
"""Promise → what it stands for and how it is judged; in the order of the phases. What the
system owes under a fault itself (``drain``) is told by the fault: see :attr:`chaoskit.faults.Fault.owes`."""
