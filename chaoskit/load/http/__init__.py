"""The HTTP client that journeys use: httpx's interface over a transport of little cost."""
