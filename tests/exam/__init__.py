"""The exam: chaoskit judges services whose true behaviour is known.

``python -m tests.exam`` runs the whole exam on Docker and prints the confusion table.
"""
