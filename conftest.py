"""chaoskit loads through its pytest11 entry point; here is only what this repository's tests share."""

from hypothesis import settings

pytest_plugins = ["pytester"]

# A slow machine is no failing property.
settings.register_profile("chaoskit", deadline=None)
settings.load_profile("chaoskit")
