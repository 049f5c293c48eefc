"""The catalogue of faults, and the probes of queues that some of them take.

Six faults are failures that growth brings; the others are the primitives that these are made of. To write
your own fault, subclass :class:`Fault` as a frozen dataclass.
"""

from chaoskit.clients.postgres_table import PostgresTable
from chaoskit.clients.queues import CallableQueue, Queue
from chaoskit.clients.redis import RedisList, RedisStream
from chaoskit.faults.backlog import WorkerBacklog
from chaoskit.faults.base import Evidence, Fault, Injection, Obligation
from chaoskit.faults.cache import CacheLoss
from chaoskit.faults.components import Kill, Pause, Restart
from chaoskit.faults.connections import ConnectionExhaustion
from chaoskit.faults.deploy import MidDeployRestart
from chaoskit.faults.flood import BotFlood
from chaoskit.faults.links import CutLink
from chaoskit.faults.replication import ReplicaLag
from chaoskit.faults.toxics import Bandwidth, Latency, Reset

__all__ = [
    "Bandwidth",
    "BotFlood",
    "CacheLoss",
    "CallableQueue",
    "ConnectionExhaustion",
    "CutLink",
    "Evidence",
    "Fault",
    "Injection",
    "Kill",
    "Latency",
    "MidDeployRestart",
    "Obligation",
    "Pause",
    "PostgresTable",
    "Queue",
    "RedisList",
    "RedisStream",
    "ReplicaLag",
    "Reset",
    "Restart",
    "WorkerBacklog",
]
