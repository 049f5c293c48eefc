"""The catalogue of faults: frozen data that says what happens, to what, how it is proven and undone.

The failures of growth stand beside the primitives that they are made of.
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
