"""One experiment: its phases, the environment in which they happen, the journal and the result."""
