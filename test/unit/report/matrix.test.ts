import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAddress } from '../../../controller/model/address.js';
import type { FlowMatrix, MatrixEnd, Treatment } from '../../../controller/proof/flow-matrix.js';
import { matrixCsv } from '../../../controller/report/matrix-csv.js';
import { pageData } from '../../../controller/report/matrix-data.js';
import { matrixPage } from '../../../controller/report/matrix-page.js';
import { matrixText } from '../../../controller/report/matrix-text.js';
import { nameRuns } from '../../../controller/report/name-runs.js';

const PAGE = join(import.meta.dirname, '..', '..', '..', 'controller', 'report', 'page');
const PARTS = {
  style: readFileSync(join(PAGE, 'matrix.css'), 'utf8'),
  script: readFileSync(join(PAGE, 'matrix.js'), 'utf8'),
};
const TITLE = { fleet: 'payments-dc1', made: '2026-11-22T10:00:00.000Z' };

function part(kind: Treatment['parts'][number]['kind'], traffic: string): Treatment['parts'][number] {
  return { kind, traffic, because: kind === 'refused' ? ['no-keys'] : [], faults: [], doubtful: false };
}

const TREATMENTS: readonly Treatment[] = [
  { parts: [part('protected', 'anything but tcp/80'), part('clear', 'tcp/80')] },
  { parts: [part('refused', 'anything')] },
  { parts: [part('clear', 'anything')] },
  { parts: [{ ...part('broken', 'anything'), faults: ['no SA'] }] },
];

function end(name: string, group?: string): MatrixEnd {
  const address = parseAddress('10.0.0.1');
  return { name, kind: 'host', group, addresses: address === undefined ? [] : [address] };
}

/** Cells drawn so that hardly two neighbours are alike: the worst for runs. */
function fleet(names: readonly string[], treatments = TREATMENTS): FlowMatrix {
  const cells = names.map((_, row) =>
    Int32Array.from(names, (_one, column) => (row === column ? -1 : (row * 7 + column * 13) % treatments.length)),
  );
  return { ends: names.map((name, i) => end(name, i % 2 === 0 ? 'web' : 'db')), treatments, cells };
}

function counted(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `host${i + 1}`);
}

const VOID = new Set(['meta', 'input', 'br', 'link']);

/** Tags that are opened and not closed, or closed and not open. */
function unbalanced(html: string): readonly string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  const plain = html.replace(/<(script|style)\b[^>]*>[\s\S]*?<\/\1>/g, '');
  for (const [, close, name = ''] of plain.matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^<>]*>/g)) {
    if (VOID.has(name)) continue;
    if (close === '') open.push(name);
    else if (open.at(-1) === name) open.pop();
    else wrong.push(name);
  }
  return [...wrong, ...open];
}

describe('the page of a matrix', () => {
  test.each([1, 5, 13, 40, 41, 500])(
    'for %i hosts it is whole, lets only its own script run, and loads nothing',
    (count) => {
      const html = matrixPage(fleet(counted(count)), TITLE, PARTS);
      expect(unbalanced(html)).toEqual([]);
      const hash = createHash('sha256').update(PARTS.script).digest('base64');
      expect(html).toContain(`script-src &#39;sha256-${hash}&#39;`);
      expect(html).toContain('default-src &#39;none&#39;');
      expect(html.replace(/<(script|style)>[\s\S]*?<\/\1>/g, '')).not.toMatch(
        /\b(src|href)=|https?:|\bon[a-z]+=|style=/,
      );
      expect(html.length).toBeLessThan(3_000_000);
    },
  );

  test('for 500 hosts of a hundred treatments it stays below three megabytes', () => {
    const many = Array.from({ length: 100 }, (_, i): Treatment => ({ parts: [part('clear', `tcp/${i + 1}`)] }));
    expect(matrixPage(fleet(counted(500), many), TITLE, PARTS).length).toBeLessThan(3_000_000);
  });

  test.each([3, 60])('names cannot break out of it, in a fleet of %i', (count) => {
    const evil = '</script><img src=x onerror="alert(1)">&\'';
    const names = [evil, ...counted(count - 1)];
    const html = matrixPage(fleet(names), { ...TITLE, fleet: evil }, PARTS);
    expect(html).not.toContain('<img');
    expect(html).not.toContain('onerror="');
    expect(html.match(/<\/script>/g)).toHaveLength(2);
    expect(unbalanced(html)).toEqual([]);
  });

  test('a small fleet is a table whose cells say all in words', () => {
    const html = matrixPage(fleet(['web1', 'db1']), TITLE, PARTS);
    expect(html).toContain('<th scope="row"><span class="name">web1</span><span class="group">web</span></th>');
    expect(html).toMatch(/aria-label="web1 to db1: [a-z]+: anything/);
    expect(html).not.toContain('<canvas');
  });

  test('rows come back from their runs', () => {
    const matrix = fleet(counted(9));
    const rows = pageData(matrix).rows.map((row) =>
      row.split(' ').flatMap((run) => {
        const [value = '', times = '1'] = run.split('*');
        return Array<number>(Number(times)).fill(value === '-' ? -1 : parseInt(value, 36));
      }),
    );
    expect(rows).toEqual(matrix.cells.map((row) => [...row]));
  });
});

describe('a matrix as text', () => {
  test('reads without colour, and explains each code', () => {
    expect(matrixText(fleet(['web1', 'db1']), { title: 'payments-dc1', width: 80 })).toMatchInlineSnapshot(`
      "payments-dc1: from the row to the column

               1   2
      1 web1   ·   R
      2 db1    B   ·

      R  refused: does not pass
      B  broken: linked, and yet it does not pass

      B  db1 → web1
          broken    anything: no SA
      "
    `);
  });

  test.each([40, 80, 120])('keeps within %i columns, in as many blocks as that takes', (width) => {
    const text = matrixText(fleet(counted(30)), { title: 'fleet', width, collapse: false });
    const table = text.slice(0, text.indexOf('P  protected'));
    for (const line of table.split('\n')) expect(line.length).toBeLessThanOrEqual(width);
    expect(table.match(/^ *30 host30/gm)?.length).toBeGreaterThanOrEqual(1);
  });

  test('hosts that behave alike are one row in a large fleet', () => {
    const names = [...Array.from({ length: 40 }, (_, i) => `web${i + 1}`), 'db1'];
    const cells = names.map((_, row) => Int32Array.from(names, (_one, column) => (row === column ? -1 : 2)));
    const matrix = { ends: names.map((name) => end(name)), treatments: TREATMENTS, cells };
    expect(matrixText(matrix, { title: 'fleet', width: 80 })).toMatch(/^1 web1–web40, db1 +C$/m);
  });

  test('a name cannot move the cursor', () => {
    expect(matrixText(fleet(['a\u001b[2J', 'b']), { title: 'x\u001b', width: 80 })).not.toContain('\u001b');
  });
});

describe('a matrix as CSV', () => {
  test('has a line for each ordered pair, with the reasons', () => {
    const lines = matrixCsv(fleet(['web1', 'db1'])).split('\r\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toBe('from,to,mainly,protected,clear,refused,broken,why');
    expect(lines[1]).toBe('web1,db1,refused,,,anything,,"it must be protected, and no link gives the two ends keys"');
  });

  test('quotes what a spreadsheet would take apart or run', () => {
    const csv = matrixCsv(fleet(['=1+1', 'a,"b"']));
    expect(csv).toContain('\r\n\'=1+1,"a,""b""",');
  });
});

test.each([
  [['web1', 'web2', 'web3', 'db1'], 'web1–web3, db1'],
  [['web1', 'web2'], 'web1, web2'],
  [['web1', 'web3', 'web4', 'web5'], 'web1, web3–web5'],
  [['a', 'b'], 'a, b'],
  [[], ''],
] as const)('names %j are said as %s', (names, said) => {
  expect(nameRuns(names)).toBe(said);
});
