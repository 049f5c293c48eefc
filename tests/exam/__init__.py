"""The examiner: services whose truth is known, and what chaoskit says of them.

``python -m tests.exam`` sits the whole exam on Docker and prints the confusion table.
"""
