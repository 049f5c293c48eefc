"""A system that chaoskit did not start: look at it, harm only what the user allows, and leave it unchanged.

``survey.py`` looks at a compose project and its Toxiproxies. ``touch.py`` holds what may be touched.
``acts.py`` makes and undoes every change, with the undo written to a ledger first. ``guest.py`` puts the
parts together, and ``runtime.py`` makes a :class:`chaoskit.runtime.Runtime` of them. ``takeback.py`` undoes
the changes of a dead harness.
"""
