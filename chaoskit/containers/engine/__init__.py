"""The Docker engine's work for a run: containers, logs, images, packets, cuts, floods."""
