"""One experiment: the phases, the environment they happen in, the journal and the result."""
