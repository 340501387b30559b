/** The service of tests, and one whose every path is awkward. */

import type { ServiceFacts } from '../../controller/report/service/service-facts.js';

export const plainFacts: ServiceFacts = {
  name: 'ipsec-deploy-drift',
  fleet: 'payments-dc1',
  user: 'deploy',
  node: process.execPath,
  program: '/opt/ipsec-deploy/bin/ipsec-deploy.js',
  inventory: '/srv/fleet/inventory.yaml',
  identityFile: '/srv/fleet/identity.txt',
  stateFolder: '/srv/fleet/.ipsec-deploy',
  logFolder: undefined,
  schedule: undefined,
  remediate: false,
  variables: [],
};

export const awkwardFacts: ServiceFacts = {
  ...plainFacts,
  fleet: 'R&D <"50%">',
  program: `/opt/it's 100% "ours"/bin/ipsec-deploy.js`,
  inventory: '/srv/the $fleet/in ventory.yaml',
  identityFile: '/srv/the $fleet/identity 5%.txt',
  stateFolder: '/var/lib/drift of 5%',
  logFolder: '/var/log/the fleet',
  schedule: '*/15 * * * *',
  variables: ['SLACK_URL', 'MAIL_PASSWORD'],
};
