-- The history of runs: one row for each experiment of each night, with its journeys in the tables below.
-- Seconds are floats; verdicts are 'held', 'broken' and 'unknown'; times are ISO 8601, UTC.

CREATE TABLE experiment (
  id          INTEGER PRIMARY KEY,
  digest      TEXT NOT NULL UNIQUE,  -- of everything below: the same journal is never added twice
  run         TEXT NOT NULL,         -- the test session; its experiments are one night
  environment TEXT NOT NULL,         -- the label of the containers that it ran in
  at          TEXT NOT NULL,
  revision    TEXT,
  experiment  TEXT NOT NULL,
  fault       TEXT NOT NULL,
  stage       TEXT,
  verdict     TEXT NOT NULL CHECK (verdict IN ('held', 'broken', 'unknown')),
  reason      TEXT NOT NULL,
  reset       REAL,
  rebuilt     INTEGER NOT NULL
);

CREATE INDEX experiment_by_time ON experiment (at, id);

CREATE TABLE journey (
  experiment_id INTEGER NOT NULL REFERENCES experiment ON DELETE CASCADE,
  journey       TEXT NOT NULL,
  verdict       TEXT NOT NULL CHECK (verdict IN ('held', 'broken', 'unknown')),
  standing      TEXT NOT NULL,
  recovery      REAL,
  resolution    REAL,
  deadline      REAL,
  failover      REAL,                -- NULL where no time was granted for it
  failover_resolution REAL,
  within        REAL,
  PRIMARY KEY (experiment_id, journey)
);

CREATE TABLE phase (
  experiment_id INTEGER NOT NULL REFERENCES experiment ON DELETE CASCADE,
  journey       TEXT NOT NULL,
  phase         TEXT NOT NULL,
  samples       INTEGER NOT NULL,
  failed        INTEGER NOT NULL,
  p50           REAL,
  p95           REAL,
  p99           REAL,
  PRIMARY KEY (experiment_id, journey, phase)
);

CREATE TABLE promise (
  experiment_id INTEGER NOT NULL REFERENCES experiment ON DELETE CASCADE,
  journey       TEXT NOT NULL,
  phase         TEXT NOT NULL,
  promise       TEXT NOT NULL,       -- 'availability', 'p95', …
  bound         REAL,                -- seconds; NULL for availability
  budget        REAL NOT NULL,       -- the share that may be bad
  samples       INTEGER NOT NULL,
  bad           INTEGER NOT NULL,
  PRIMARY KEY (experiment_id, journey, phase, promise)
);
