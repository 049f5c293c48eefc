"""Systems in containers: the one implementation of the runtime; no other package knows Docker."""
