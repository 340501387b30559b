/**
 * The kernel's store of alternatives: every list it was ever given, and the tail of every list, shared between rules.
 * A list's marks are summed over those alternatives only that were new when the list was first made, so that what was
 * loaded before can change what a rule does. Flushing forgets nothing; only memory pressure or a boot may.
 * Source: illumos inet/ip/spd.c, ipsec_act_find().
 */

import type { Action, LoadedRule } from '../model/policy.js';

/** What the kernel believes of a whole list of alternatives. */
export interface ActionMarks {
  readonly clear: boolean;
  readonly ah: boolean;
  readonly esp: boolean;
  readonly unique: boolean;
}

/** How a rule's marks are known. */
export type MarksOf = (rule: LoadedRule) => ActionMarks;

const NO_MARKS: ActionMarks = { clear: false, ah: false, esp: false, unique: false };

function withAction(marks: ActionMarks, action: Action): ActionMarks {
  if (action.kind === 'bypass') return { ...marks, clear: true };
  if (action.kind === 'discard') return marks;
  return {
    clear: marks.clear,
    ah: marks.ah || action.ah !== undefined,
    esp: marks.esp || action.esp !== undefined,
    unique: marks.unique || action.unique,
  };
}

/** As if no other rule had ever used any of the alternatives. */
export function marksAlone({ actions }: Pick<LoadedRule, 'actions'>): ActionMarks {
  return actions.reduce(withAction, NO_MARKS);
}

/** Lists by their first alternative and the rest. */
export interface ActionStore {
  readonly lists: ReadonlyMap<string, { readonly id: number; readonly marks: ActionMarks }>;
}

export const EMPTY_STORE: ActionStore = { lists: new Map() };

/** The store after the kernel was given these lists, one after the other, refused rules included. */
export function remember(store: ActionStore, offered: Iterable<readonly Action[]>): ActionStore {
  const lists = new Map(store.lists);
  for (const actions of offered) {
    let rest = 0;
    let marks = NO_MARKS;
    for (const action of actions.toReversed()) {
      const key = listKey(action, rest);
      const known = lists.get(key);
      if (known !== undefined) {
        rest = known.id;
        continue;
      }
      marks = withAction(marks, action);
      rest = lists.size + 1;
      lists.set(key, { id: rest, marks });
    }
  }
  return { lists };
}

/** The marks of rules that the kernel was given; of any other list those it would have alone. */
export function marksIn({ lists }: ActionStore): MarksOf {
  return (rule) => {
    let found: { readonly id: number; readonly marks: ActionMarks } | undefined;
    for (const action of rule.actions.toReversed()) {
      found = lists.get(listKey(action, found?.id ?? 0));
      if (found === undefined) return marksAlone(rule);
    }
    return found?.marks ?? NO_MARKS;
  };
}

function listKey(action: Action, rest: number): string {
  if (action.kind !== 'protect') return `${action.kind} ${rest}`;
  const { ah, esp, unique } = action;
  return JSON.stringify([ah, esp?.encr, esp?.auth, esp?.sealed, unique, rest]);
}
