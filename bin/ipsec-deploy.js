#!/usr/bin/env node
import { existsSync } from 'node:fs';

const program = new URL('../dist/controller/cli/main.js', import.meta.url);
if (!hasFolder()) {
  process.stderr.write(
    'ipsec-deploy: the folder that it was started in is no longer there, or may not be read: change to another one (`cd`) and run it again\n',
  );
  process.exitCode = 1;
} else if (existsSync(program)) {
  const { main } = await import(program.href);
  await main(process.argv.slice(2));
} else {
  process.stderr.write('ipsec-deploy is not built yet: run `npm run set-up` in its folder\n');
  process.exitCode = 1;
}

/** What is imported asks for it as well, and ends in a bare stack. Node remembers the answer, so that it may go later. */
function hasFolder() {
  try {
    process.cwd();
    return true;
  } catch {
    return false;
  }
}
