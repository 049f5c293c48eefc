"""What the Docker engine does for a run: containers, logs, images, packets, cuts, floods."""
