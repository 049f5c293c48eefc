"""A system that this run has started behind Toxiproxy."""
