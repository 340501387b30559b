/** The drift service as an SMF manifest (service_bundle(5), smf_method(7)) for illumos and Solaris. */

import { environmentFile, serviceWords, shellWord, STOP_SECONDS, type ServiceFacts } from './service-facts.js';
import { environmentSteps } from './systemd-unit.js';

export function smfManifest(facts: ServiceFacts): string {
  const { name, fleet, user, inventory } = facts;
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE service_bundle SYSTEM "/usr/share/lib/xml/dtd/service_bundle.dtd.1">
<service_bundle type="manifest" name="${name}">
  <service name="site/${name}" type="service" version="1">
    <create_default_instance enabled="false"/>
    <single_instance/>
    <dependency name="network" grouping="require_all" restart_on="none" type="service">
      <service_fmri value="svc:/milestone/network:default"/>
    </dependency>
    <dependency name="multi-user" grouping="require_all" restart_on="none" type="service">
      <service_fmri value="svc:/milestone/multi-user:default"/>
    </dependency>
    <dependency name="name-services" grouping="optional_all" restart_on="none" type="service">
      <service_fmri value="svc:/milestone/name-services:default"/>
    </dependency>
    <method_context working_directory="${attribute(inventory.slice(0, Math.max(1, inventory.lastIndexOf('/'))))}">
      <method_credential user="${attribute(user)}" group=":default" privileges="basic"/>
    </method_context>
    <exec_method type="method" name="start" exec="${attribute(tokens(startMethod(facts)))}" timeout_seconds="60"/>
    <exec_method type="method" name="stop" exec=":kill" timeout_seconds="${STOP_SECONDS}"/>
    <!-- Reads the inventory again; one that cannot be used is told of, and the old one stays. -->
    <exec_method type="method" name="refresh" exec=":kill -HUP" timeout_seconds="10"/>
    <property_group name="startd" type="framework">
      <propval name="duration" type="astring" value="contract"/>
    </property_group>
    <stability value="Evolving"/>
    <template>
      <common_name>
        <loctext xml:lang="C">ipsec-deploy watches the hosts of ${element(fleet)} for drift</loctext>
      </common_name>
    </template>
  </service>
</service_bundle>
`;
}

/** What to run next, in order. @param file where the manifest was written */
export function smfSteps(facts: ServiceFacts, file: string): readonly string[] {
  const { name, user, stateFolder, logFolder, variables } = facts;
  const folders = [...new Set([stateFolder, ...(logFolder === undefined ? [] : [logFolder])])];
  return [
    ...folders.map((folder) => `sudo mkdir -p ${shellWord(folder)} && sudo chown ${user} ${shellWord(folder)}`),
    ...environmentSteps(facts, variables),
    ...(variables.length === 0 ? [] : [`sudo chown ${user} ${environmentFile(facts)}`]),
    `sudo svccfg validate ${shellWord(file)}`,
    `sudo svccfg import ${shellWord(file)}`,
    `sudo svcadm enable ${name}`,
    `tail -f $(svcs -L ${name})`,
  ];
}

/**
 * A contract service's method returns once the service runs: it is left in the background. SMF puts `exec ` before the method and
 * gives it to sh, so that whatever is more than one command goes to a shell of its own.
 */
function startMethod(facts: ServiceFacts): string {
  const command = serviceWords(facts, facts.identityFile).map(shellWord).join(' ');
  if (facts.variables.length === 0) return `${command} &`;
  return `/bin/sh -c ${shellWord(`${readVariables(environmentFile(facts))}; exec ${command}`)} &`;
}

/** Each line as it stands, as systemd has it: a URL or a password holds signs that a shell would read. */
function readVariables(file: string): string {
  return `while IFS= read -r line; do case $line in [A-Za-z_]*=*) export "$line";; esac; done < ${file}`;
}

/** `%` begins a token of SMF's own (smf_method(7)). */
function tokens(method: string): string {
  return method.replaceAll('%', '%%');
}

function element(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function attribute(value: string): string {
  return element(value).replaceAll('"', '&quot;');
}
