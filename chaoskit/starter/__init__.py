"""``chaoskit init``: from a compose file to journeys and experiments that run as they are written.

``survey.py`` and ``calm.py`` look at the running system; ``choice.py``, ``objective.py`` and
``reach.py`` decide, and ``declaration.py``, ``experiments.py``, ``section.py`` and ``ini.py`` write what
was decided: pure functions. ``files.py`` puts it on disk, all or nothing.
"""
