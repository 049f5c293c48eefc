"""Cleaning up when the harness dies: the reaper, and the removal of a run."""
