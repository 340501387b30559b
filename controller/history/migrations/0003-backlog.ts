/** What a notifier could not be told yet: one row a notifier and pass, the digest as JSON. */

export const BACKLOG = `
CREATE TABLE backlog (
  notifier TEXT NOT NULL,
  pass TEXT NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (notifier, pass)
) STRICT;
`;
