"""The history of runs, and what it shows: which experiments are flaky, what got worse last night.

The methods, their sources and their rate of false alarms are in ``docs/trend.md``.
"""

from chaoskit.trend.entry import Entry, entry_from_text, entry_of, entry_to_text
from chaoskit.trend.store import Store
from chaoskit.trend.text import render, to_record
from chaoskit.trend.trend import Regression, Trend, trend_of

__all__ = [
    "Entry",
    "Regression",
    "Store",
    "Trend",
    "entry_from_text",
    "entry_of",
    "entry_to_text",
    "render",
    "to_record",
    "trend_of",
]
