"""How the harness talks to the databases and services that faults know: over its own links, as a client.

One file for each kind: where a component's environment holds the credentials, how to connect, and what a
refusal looks like. The probes of job queues stand beside them.
"""
