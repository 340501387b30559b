import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { readManifest } from '../../../controller/lab/tools/smf-manifest.js';
import { smfManifest, smfSteps } from '../../../controller/report/service/smf-manifest.js';
import { systemdSteps, systemdUnit } from '../../../controller/report/service/systemd-unit.js';
import { awkwardFacts, plainFacts } from '../../support/service-facts.js';

function line(unit: string, key: string): string | undefined {
  return new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1];
}

describe('the systemd unit', () => {
  test('runs the service with the identity that systemd hands over', () => {
    const unit = systemdUnit(plainFacts);
    expect(line(unit, 'ExecStart')).toBe(
      `${process.execPath} /opt/ipsec-deploy/bin/ipsec-deploy.js drift watch` +
        ' --identity ${CREDENTIALS_DIRECTORY}/identity /srv/fleet/inventory.yaml',
    );
    expect(line(unit, 'LoadCredential')).toBe('identity:/srv/fleet/identity.txt');
    expect(line(unit, 'User')).toBe('deploy');
    expect(line(unit, 'WorkingDirectory')).toBe('/srv/fleet');
  });

  test('lets it write its own memory and nothing else', () => {
    const beside = systemdUnit(plainFacts);
    expect(line(beside, 'ProtectSystem')).toBe('strict');
    expect(line(beside, 'NoNewPrivileges')).toBe('yes');
    expect(line(beside, 'ReadWritePaths')).toBe('/srv/fleet/.ipsec-deploy');
    expect(line(beside, 'StateDirectory')).toBeUndefined();
    const own = systemdUnit({ ...plainFacts, stateFolder: '/var/lib/ipsec-deploy' });
    expect(line(own, 'StateDirectory')).toBe('ipsec-deploy');
    expect(line(own, 'ReadWritePaths')).toBeUndefined();
  });

  test('says what is awkward in a way that systemd reads back as it was', () => {
    const unit = systemdUnit(awkwardFacts);
    expect(line(unit, 'ExecStart')).toBe(
      `${process.execPath} "/opt/it's 100%% \\"ours\\"/bin/ipsec-deploy.js" drift watch` +
        ' --identity ${CREDENTIALS_DIRECTORY}/identity --schedule "*/15 * * * *" "/srv/the $$fleet/in ventory.yaml"',
    );
    expect(line(unit, 'Description')).toContain('R&D <"50%%">');
    expect(line(unit, 'StateDirectory')).toBe('"drift of 5%%"');
    expect(line(unit, 'ReadWritePaths')).toBe('"/var/log/the fleet"');
    expect(line(unit, 'EnvironmentFile')).toBe('/etc/ipsec-deploy/ipsec-deploy-drift.env');
  });

  test('is followed by what makes its folders, then by what starts it', () => {
    expect(systemdSteps(plainFacts, '/tmp/out/ipsec-deploy-drift.service')).toEqual([
      'sudo install -d -o deploy -m 0700 /srv/fleet/.ipsec-deploy',
      'sudo cp /tmp/out/ipsec-deploy-drift.service /etc/systemd/system/',
      'sudo systemctl daemon-reload',
      'sudo systemctl enable --now ipsec-deploy-drift',
      'journalctl -fu ipsec-deploy-drift',
    ]);
  });
});

describe('the SMF manifest', () => {
  /** What sh is given: SMF has replaced `%%`, and puts `exec` before it. */
  function startMethod(manifest: string): string {
    const reading = readManifest(manifest);
    if (reading.kind === 'bad') throw new Error(reading.reason);
    return reading.services[0]?.methods.start?.replaceAll('%%', '%') ?? '';
  }

  test('is one service, disabled until a person enables it, with a method for each of start, stop and refresh', () => {
    const manifest = smfManifest(plainFacts);
    const reading = readManifest(manifest);
    if (reading.kind === 'bad') throw new Error(reading.reason);
    const [service, ...more] = reading.services;
    expect(more).toEqual([]);
    expect(service?.methods.stop).toBe(':kill');
    expect(service?.methods.refresh).toBe(':kill -HUP');
    expect(manifest).toContain('<create_default_instance enabled="false"/>');
    expect(manifest).toContain('<method_credential user="deploy"');
    expect(manifest).toContain('<propval name="duration" type="astring" value="contract"/>');
    for (const milestone of ['network', 'multi-user']) {
      expect(manifest).toContain(`<service_fmri value="svc:/milestone/${milestone}:default"/>`);
    }
  });

  test('leaves the service in the background', () => {
    expect(startMethod(smfManifest(plainFacts))).toBe(
      `${process.execPath} /opt/ipsec-deploy/bin/ipsec-deploy.js drift watch` +
        ' --identity /srv/fleet/identity.txt /srv/fleet/inventory.yaml &',
    );
  });

  test('hands awkward words to the program as they are', () => {
    const { program, identityFile, schedule, inventory } = awkwardFacts;
    const facts = { ...awkwardFacts, node: 'printf', program: '%s\\n', variables: [] };
    const method = startMethod(smfManifest(facts));
    const said = execFileSync('/bin/sh', ['-c', `exec ${method}\nwait`], { encoding: 'utf8' });
    expect(said).toBe(['drift', 'watch', '--identity', identityFile, '--schedule', schedule, inventory, ''].join('\n'));
    expect(startMethod(smfManifest({ ...awkwardFacts, variables: [] }))).toContain(program.replace("'", `'\\''`));
  });

  test('reads secrets from a file as they stand, whatever a shell would make of them', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ipsec-service-'));
    try {
      const file = join(folder, 'its.env');
      const lines = ['SLACK_URL=https://chat.example/a?b=1&c=$HOME;`id`', 'MAIL_PASSWORD= it\'s \\ "#1" '];
      writeFileSync(file, ['# of the service', '', ...lines, ''].join('\n'));
      const facts = { ...plainFacts, node: '/usr/bin/env', program: '/usr/bin/printenv', variables: ['SLACK_URL'] };
      const method = startMethod(smfManifest(facts)).replace('/etc/ipsec-deploy/ipsec-deploy-drift.env', file);
      const words = method.replace(/drift watch .*?(?=')/, 'SLACK_URL MAIL_PASSWORD');
      const said = execFileSync('/bin/sh', ['-c', `exec ${words}\nwait`], { encoding: 'utf8' });
      expect(said).toBe(lines.map((line) => `${line.slice(line.indexOf('=') + 1)}\n`).join(''));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('holds only the names of secrets, in comments of the next steps', () => {
    expect(smfSteps(awkwardFacts, '/tmp/x.xml').join('\n')).toContain('SLACK_URL=…, MAIL_PASSWORD=…');
  });
});
