/** The log file: one JSON object a line, for the operator alone (0600), rotated by size, redacted before it is written. */

import { chmod, lstat, open, rename, rm } from 'node:fs/promises';
import { OperatorError } from '../errors.js';
import type { Log } from '../ports.js';
import { jsonText } from '../report/json-text.js';
import { redactFields, redactText } from './redact.js';

export interface LoggerOptions {
  /** A file larger than this is put aside when the next run opens it; default 10 MiB. */
  readonly maxBytes?: number;
  /** How many are kept besides: `run.log.1` is the one before; default 5. */
  readonly oldFiles?: number;
  /** Least serious level written; default `debug`. */
  readonly level?: LogLevel;
  readonly now?: () => Date;
  /** Told once when the file cannot be written any more (disk full): a run is not stopped for its log. */
  readonly onLost?: (error: Error) => void;
}

export type LogLevel = Parameters<Log['event']>[0];

export interface Logger {
  readonly log: Log;
  /** Resolves when all is in the file. */
  close(): Promise<void>;
}

const MODE = 0o600;

/** @throws OperatorError LOG_FILE when the file cannot be opened for appending */
export async function createLogger(file: string, options: LoggerOptions = {}): Promise<Logger> {
  const now = options.now ?? (() => new Date());
  await prepare(file, options.maxBytes ?? 10 * 1024 * 1024, options.oldFiles ?? 5);
  // Loaded only when somebody wants a log: it is a tenth of the time a short run takes.
  const { default: winston } = await import('winston');
  const transport = new winston.transports.File({
    filename: file,
    options: { flags: 'a', mode: MODE },
  });
  const logger = winston.createLogger({
    level: options.level ?? 'debug',
    // Time and fields are put together by us; winston only writes.
    format: winston.format.printf(({ message }) => String(message)),
    transports: [transport],
  });
  let lost = false;
  logger.on('error', (error: Error) => {
    if (!lost) options.onLost?.(error);
    lost = true;
  });
  const log: Log = {
    event: (level, name, fields) => {
      const line = { at: now().toISOString(), level, event: redactText(name), ...redactFields(fields) };
      logger.log(level, jsonText(line));
    },
  };
  return {
    log,
    close: () =>
      new Promise((resolve) => {
        transport.once('finish', () => resolve());
        transport.once('error', () => resolve());
        logger.end();
      }),
  };
}

/** For when no log file is wanted. */
export function silentLog(): Logger {
  return { log: { event: () => undefined }, close: () => Promise.resolve() };
}

async function prepare(file: string, maxBytes: number, oldFiles: number): Promise<void> {
  try {
    await refuseForeignLink(file);
    const handle = await open(file, 'a', MODE);
    const found = await handle.stat().finally(() => handle.close());
    if (!found.isFile()) throw new Error('it is a device or the like, not a file');
    const { size } = found;
    // One that was there already may have been made under another umask.
    await chmod(file, MODE);
    // At opening only: winston's own rotation loses events, or its end, when it is closed in the middle of one.
    if (size > maxBytes) await putAside(file, oldFiles);
  } catch (error) {
    throw new OperatorError('LOG_FILE', {
      what: `the log file cannot be written: ${error instanceof Error ? error.message : String(error)}`,
      where: file,
      todo: 'correct logFile in the inventory, or the permissions of its folder',
      cause: error,
    });
  }
}

/** In a folder that others may write to, such as /tmp, a link is a way to have us write to a file of our own. */
async function refuseForeignLink(file: string): Promise<void> {
  const found = await lstat(file).catch(() => undefined);
  if (found?.isSymbolicLink() === true && found.uid !== 0 && found.uid !== process.geteuid?.())
    throw new Error('it is a link of another user');
}

/** `run.log` to `run.log.1`, that to `.2`, and so on; the oldest goes. */
async function putAside(file: string, oldFiles: number): Promise<void> {
  await rm(`${file}.${oldFiles}`, { force: true });
  for (let i = oldFiles - 1; i >= 1; i -= 1) {
    await rename(`${file}.${i}`, `${file}.${i + 1}`).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    });
  }
  await rename(file, `${file}.1`);
}
