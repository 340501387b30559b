/** The generation that each host was last seen on: a host that lost its record is no new one. */

export const GENERATIONS = `
CREATE TABLE generations (
  host TEXT NOT NULL PRIMARY KEY,
  generation INTEGER NOT NULL,
  confirmed TEXT
) STRICT;
`;
