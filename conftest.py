"""chaoskit loads through its pytest11 entry point; here is only what this repository's tests share."""

import os

from hypothesis import settings

pytest_plugins = ["pytester"]

# A slow machine is no failing property. While one works, few examples will do; `make test`, and with
# it CI, takes the thorough profile.
settings.register_profile("quick", deadline=None, max_examples=10)
settings.register_profile("thorough", deadline=None, max_examples=100)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
