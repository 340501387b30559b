/** The first schema: incidents with their findings, what was accepted, hosts left alone, remediations, passes. */

export const MEMORY = `
CREATE TABLE incidents (
  host TEXT NOT NULL,
  id TEXT NOT NULL,
  first_seen TEXT NOT NULL,
  last_seen TEXT NOT NULL,
  cleared TEXT,
  seen INTEGER NOT NULL,
  returns INTEGER NOT NULL,
  told INTEGER NOT NULL CHECK (told IN (0, 1)),
  told_as TEXT,
  class TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  severity TEXT NOT NULL,
  what TEXT NOT NULL,
  since_at TEXT,
  since_by TEXT,
  cause TEXT,
  mend TEXT NOT NULL,
  details TEXT,
  PRIMARY KEY (host, id, first_seen)
) STRICT;

CREATE UNIQUE INDEX one_open_incident ON incidents (host, id) WHERE cleared IS NULL;

CREATE TABLE acceptances (
  host TEXT NOT NULL,
  id TEXT NOT NULL,
  until TEXT NOT NULL,
  reason TEXT NOT NULL,
  by TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (host, id)
) STRICT;

CREATE TABLE quarantines (
  host TEXT NOT NULL PRIMARY KEY,
  since TEXT NOT NULL,
  reason TEXT NOT NULL
) STRICT;

CREATE TABLE remediations (
  host TEXT NOT NULL,
  at TEXT NOT NULL,
  outcome TEXT NOT NULL,
  plan_digest TEXT NOT NULL,
  PRIMARY KEY (host, at, plan_digest)
) STRICT;

CREATE TABLE last_pass (
  one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  id TEXT NOT NULL,
  begun TEXT NOT NULL,
  ended TEXT NOT NULL
) STRICT;

CREATE TABLE passes (
  id TEXT NOT NULL PRIMARY KEY,
  begun TEXT NOT NULL,
  ended TEXT NOT NULL,
  clean INTEGER NOT NULL,
  drift INTEGER NOT NULL,
  pending INTEGER NOT NULL,
  unreachable INTEGER NOT NULL,
  findings INTEGER NOT NULL
) STRICT;

CREATE INDEX passes_by_time ON passes (ended);
`;
