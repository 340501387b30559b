/** What a rule does, in one word, whatever its transforms. */

import type { LoadedRule } from '../../model/policy.js';

type Kind = 'bypass' | 'protect' | 'discard';

const kinds = new WeakMap<LoadedRule['actions'], Kind>();

export function kindOf({ actions }: LoadedRule): Kind {
  const known = kinds.get(actions) ?? kindOfActions(actions);
  kinds.set(actions, known);
  return known;
}

function kindOfActions(actions: LoadedRule['actions']): Kind {
  if (actions.some(({ kind }) => kind === 'protect')) return 'protect';
  return actions[0]?.kind === 'discard' ? 'discard' : 'bypass';
}
