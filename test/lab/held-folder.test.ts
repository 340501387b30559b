import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { holdFolder, isMark, refuseHeld } from '../../controller/lab/held-folder.js';
import { endDeadLab, lookForLab, markUnfinished } from '../../controller/lab/lab-folder.js';
import { beginStart } from '../../controller/lab/lab-start.js';
import { scratchFolder } from './support.js';

/** A process of this id has never been: ids end long before. */
const DEAD = '999999999-1';
const held = expect.objectContaining({ code: 'LAB_FOLDER_HELD' });

test('the second who brings a lab up in a folder is told which process has it, and may when that is done', () => {
  const folder = join(scratchFolder(), 'lab');
  const first = holdFolder(folder);
  expect(() => holdFolder(folder)).toThrow(held);
  expect(() => holdFolder(folder)).toThrow(`process ${process.pid} has the folder ${folder}`);
  expect(() => refuseHeld(folder)).toThrow(held);
  first.release();
  expect(existsSync(folder)).toBe(false);
  holdFolder(folder).release();
});

test('a process that was killed holds nobody up, nor does a later one with its id', () => {
  for (const dead of [DEAD, `${process.pid}-1`, 'what is this']) {
    const folder = scratchFolder();
    symlinkSync(dead, join(folder, '.lab-held'));
    refuseHeld(folder);
    const next = holdFolder(folder);
    expect(() => holdFolder(folder)).toThrow(held);
    next.release();
    expect(existsSync(folder)).toBe(false);
  }
});

test('of those who find a killed one’s mark at once only the first gets the folder', () => {
  const folder = scratchFolder();
  symlinkSync(DEAD, join(folder, '.lab-held'));
  const first = holdFolder(folder, `${process.pid}-0`);
  // Another that has looked before the first one's mark was there finds it in its way.
  expect(() => holdFolder(folder)).toThrow(held);
  first.release();
  expect(() => refuseHeld(folder)).not.toThrow();
});

test('a folder with something in it stays when it is let go', () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, 'lab.json'), '');
  holdFolder(folder).release();
  expect(readdirSync(folder)).toEqual(['lab.json']);
});

test('what a start that was killed left in a new folder is found, goes with `down`, and is in nobody’s way', async () => {
  const folder = scratchFolder();
  const leave = (): void => {
    symlinkSync(DEAD, join(folder, '.lab-held'));
    markUnfinished(folder);
    mkdirSync(join(folder, 'hosts/web1'), { recursive: true });
    writeFileSync(join(folder, 'inventory.yaml'), 'half');
  };
  leave();
  expect(await lookForLab(folder)).toEqual({ isUp: false });
  await endDeadLab(folder, true);
  expect(existsSync(folder)).toBe(false);

  mkdirSync(folder);
  leave();
  const starting = await beginStart(folder);
  expect(readdirSync(folder).filter((name) => !isMark(name))).toEqual(['.lab-unfinished']);
  await expect(lookForLab(folder)).rejects.toMatchObject({ code: 'LAB_FOLDER_HELD' });
  await expect(endDeadLab(folder, false)).rejects.toMatchObject({ code: 'LAB_FOLDER_HELD' });
  starting.done();
  starting.over();
  expect(existsSync(folder)).toBe(false);
});

test('a killed one’s mark in a folder with other things in it takes nothing of them', async () => {
  const folder = scratchFolder();
  symlinkSync(DEAD, join(folder, '.lab-held'));
  writeFileSync(join(folder, 'thesis.txt'), 'x');
  await expect(beginStart(folder)).rejects.toMatchObject({ code: 'LAB_FOLDER_IN_USE' });
  expect(readdirSync(folder)).toContain('thesis.txt');
  expect(() => refuseHeld(folder)).not.toThrow();
});
