"""What happens when the harness dies: the reaper, and what removes a run."""
