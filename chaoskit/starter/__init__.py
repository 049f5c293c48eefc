"""``chaoskit init``: from a compose file to journeys and experiments that run as they are written.

``survey.py`` looks at the running system, with ``entries.py``, which asks the published ports, and
``calm.py``, which measures. ``choice.py`` and ``objective.py`` decide, and ``texts.py`` and ``ini.py``
write what was decided; all four are pure. ``files.py`` puts the files on disk, all or none.
"""
