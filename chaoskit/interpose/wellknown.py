"""Ports that need no saying: of schemes, of clients in health checks, of images not yet here."""

from __future__ import annotations

import re
from collections.abc import Mapping

SCHEMES: Mapping[str, int] = {
    "amqp": 5672,
    "amqps": 5671,
    "cassandra": 9042,
    "http": 80,
    "https": 443,
    "kafka": 9092,
    "ldap": 389,
    "ldaps": 636,
    "mariadb": 3306,
    "memcached": 11211,
    "mongodb": 27017,
    "mqtt": 1883,
    "mssql": 1433,
    "mysql": 3306,
    "nats": 4222,
    "pgsql": 5432,
    "postgres": 5432,
    "postgresql": 5432,
    "redis": 6379,
    "rediss": 6379,
    "smtp": 25,
    "sqlserver": 1433,
    "valkey": 6379,
    "ws": 80,
    "wss": 443,
    "zookeeper": 2181,
}
"""URL scheme → its port when the URL has none. A driver (``postgresql+asyncpg``) is left off first."""

CLIENTS: Mapping[str, tuple[str, int]] = {
    "cqlsh": ("", 9042),
    "mariadb": ("-P", 3306),
    "mariadb-admin": ("-P", 3306),
    "mongo": ("", 27017),
    "mongosh": ("", 27017),
    "mysql": ("-P", 3306),
    "mysqladmin": ("-P", 3306),
    "pg_isready": ("-p", 5432),
    "psql": ("-p", 5432),
    "rabbitmq-diagnostics": ("", 5672),
    "rabbitmqctl": ("", 5672),
    "redis-cli": ("-p", 6379),
    "valkey-cli": ("-p", 6379),
}
"""Command → its option for the port beside ``--port``, and the port without it."""

_IMAGES: Mapping[str, tuple[int, ...]] = {
    "caddy": (80, 443),
    "clickhouse": (8123, 9000),
    "consul": (8500,),
    "elasticsearch": (9200,),
    "etcd": (2379,),
    "httpd": (80,),
    "kafka": (9092,),
    "keydb": (6379,),
    "mariadb": (3306,),
    "memcached": (11211,),
    "minio": (9000,),
    "mongo": (27017,),
    "mongodb": (27017,),
    "mysql": (3306,),
    "nats": (4222,),
    "nginx": (80,),
    "opensearch": (9200,),
    "pgbouncer": (6432, 5432),
    "postgis": (5432,),
    "postgres": (5432,),
    "postgresql": (5432,),
    "rabbitmq": (5672,),
    "redis": (6379,),
    "redis-stack": (6379,),
    "timescaledb": (5432,),
    "valkey": (6379,),
    "zookeeper": (2181,),
}


def image_ports(image: str) -> tuple[int, ...]:
    """The ports of a well-known engine, by the last part of its image's name without the tag.

    Asked only where the engine does not have the image, whose EXPOSE is the better source.
    """
    name = re.sub(r"[:@].*$", "", image.rpartition("/")[2])
    return _IMAGES.get(name, ())
