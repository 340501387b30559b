import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { agentFolder } from '../../../controller/cli/package-files.js';
import { bundleAgent, readAgent } from '../../../controller/remote/agent-bundle.js';

const end = { name: 'ipsec-agent.sh', text: 'main\n#@end\n' };

describe('bundleAgent', () => {
  it('puts parts one after the other and digests what is sent', () => {
    const { text, digest } = bundleAgent([{ name: 'lib/a.sh', text: 'a() { :; }\n' }, end]);
    expect(text).toBe('a() { :; }\n\nmain\n#@end\n');
    expect(digest).toBe(createHash('sha256').update(text).digest('hex'));
  });

  it('makes other languages values of shell variables', () => {
    const parts = [
      { name: 'lib/ipsec.awk', text: 'BEGIN { }\n' },
      { name: 'platform/boot-guard.xml', text: '<a/>\n' },
      end,
    ];
    expect(bundleAgent(parts).text).toContain("AWK_IPSEC='BEGIN { }'\n\nBOOT_GUARD_XML='<a/>'\n");
  });

  it.each([
    [[{ name: 'a.sh', text: 'x\n' }], /must end in the line #@end/],
    [[{ name: 'a.sh', text: 'x\n#@end\ny\n' }, end], /only at the end/],
    [[{ name: 'a.awk', text: "x'y\n" }, end], /single quote/],
    [[{ name: 'a.sh', text: '# über\n' }, end], /only ASCII/],
  ])('refuses what a host could not take (%#)', (parts, reason) => {
    expect(() => bundleAgent(parts)).toThrow(reason);
  });

  it('reads the shipped parts the same way every time', async () => {
    const [one, two] = [await readAgent(agentFolder), await readAgent(agentFolder)];
    expect(one).toEqual(two);
    expect(one.text.endsWith('\n#@end\n')).toBe(true);
  });
});
