"""How the harness itself talks to the engines that faults know: over its own links, as a client.

One file per engine: where its credentials stand in a component's environment, how a connection is
made, what its refusals look like. Beside them stand the probes of the job queues that live in them.
"""
