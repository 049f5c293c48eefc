"""A system that somebody else has started: look at it, harm what may be harmed, and leave it as it was.

``survey.py`` looks at a compose project and its Toxiproxies, ``touch.py`` knows what may be touched,
``acts.py`` does and undoes with ``ledger.py`` written ahead, ``guest.py`` holds the parts together,
``runtime.py`` is the :class:`chaoskit.runtime.Runtime` over them, and ``takeback.py`` undoes what a
dead harness has left.
"""
