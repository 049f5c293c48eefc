"""A system that this run started behind Toxiproxy."""
