"""Systems in containers: the only implementation of the runtime for Docker, which no other package knows."""
