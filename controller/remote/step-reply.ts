/** What the agent says about a transaction: its steps and its last word. Pure. */

import { STEP_NAMES, type StepReport, type TransactionOutcome } from '../model/observation.js';
import { field } from './agent-reply.js';
import type { ReplyRecord } from './agent-reply.js';
import { ReplyError, numberValue, secondsValue } from './reply-error.js';

const STATES: readonly StepReport['state'][] = ['begin', 'done', 'failed', 'skipped'];

export function parseStep(record: ReplyRecord, output: readonly string[]): StepReport {
  const said = record.fields;
  const name = STEP_NAMES.find((step) => step === said.get('name'));
  const state = STATES.find((known) => known === said.get('state'));
  if (name === undefined || state === undefined) throw new ReplyError('a step and its state', record.line);
  return { name, state, text: said.get('text') ?? '', output };
}

/** `outcome id=T state=… generation=… step=… text=…` */
export function parseOutcome(record: ReplyRecord): TransactionOutcome {
  const { line } = record;
  const id = field(record, 'id', line);
  const state = field(record, 'state', line);
  const text = record.fields.get('text') ?? '';
  const step = record.fields.get('step') ?? '';
  const generation = (): number => numberValue(record.fields.get('generation'), line);
  switch (state) {
    case 'verified':
      return {
        state,
        id,
        generation: generation(),
        revertsInSeconds: secondsValue(field(record, 'reverts_in', line), line),
      };
    case 'confirmed':
      return { state, id, generation: generation() };
    case 'reverted': {
      // Back to a host without generations: `none`, or nothing said.
      const back = record.fields.get('generation') ?? 'none';
      return { state, id, generation: back === 'none' || back === '?' ? undefined : generation(), step, text };
    }
    case 'refused':
    case 'unknown':
      return { state, id, text };
    case 'failed':
      return { state, id, step, text };
    default:
      throw new ReplyError('the state of a transaction', line);
  }
}
