/** What is to happen when a signal is raised, for things that may be over before it is. */

/** Does `act` once the signal is raised, now if it is. The answer takes it back: a signal outlives most of what it ends. */
export function onceRaised(signal: AbortSignal | undefined, act: () => void): () => void {
  if (signal?.aborted === true) act();
  else signal?.addEventListener('abort', act, { once: true });
  return () => signal?.removeEventListener('abort', act);
}
