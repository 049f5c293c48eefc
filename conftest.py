"""chaoskit loads through its pytest11 entry point; here is only what this repository's tests share."""

import os

from hypothesis import settings

pytest_plugins = ["pytester"]

# A slow machine is no failing property. While one works, few examples will do. `make test`, and with
# it CI, takes many and always the same: what a change is held up by, that change has done. The search
# for counterexamples nobody has met yet is `make explore`, and the nightly workflow's.
settings.register_profile("quick", deadline=None, max_examples=10)
settings.register_profile("thorough", deadline=None, max_examples=100, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
