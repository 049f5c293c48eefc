"""The history of runs, and what it shows: which experiments are flaky, and what got worse last night.

``docs/trend.md`` describes the methods, their sources and their rate of false alarms.
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
