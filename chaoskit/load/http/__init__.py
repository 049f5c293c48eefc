"""The HTTP client that journeys use: the interface of httpx over a cheaper transport."""
