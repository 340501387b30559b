/** Files that come with the package, found from where this code runs: the checkout or an installed package. */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds package.json: above `dist/` when compiled, above `controller/` when not. */
export const packageRoot = findRoot(dirname(fileURLToPath(import.meta.url)));

function findRoot(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error('package.json of ipsec-deploy is not there: the installation is damaged');
  return findRoot(parent);
}

export const templatesFolder = join(packageRoot, 'templates');
export const agentFolder = join(packageRoot, 'agent');

export async function packageVersion(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';
}

/** Style and script of HTML pages: files of their own, put into the page when it is made. */
export interface PageParts {
  readonly style: string;
  readonly script: string;
}

const pageFolder = join(packageRoot, 'controller', 'report', 'page');

export async function readPageParts(): Promise<PageParts> {
  const [style, script] = await Promise.all(
    ['matrix.css', 'matrix.js'].map((name) => readFile(join(pageFolder, name), 'utf8')),
  );
  return { style: style ?? '', script: script ?? '' };
}
