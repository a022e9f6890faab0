/** What kinds of trouble mean, by the catalog and for people. Pure; must not know who asks. */
import { dropMeaning, explain } from '@netfall/catalog/explain';
import type { Signal } from './fold/model.ts';

const MEANINGS = {
  crash: 'A kernel died, or is in trouble that it reports itself.',
  silence:
    'A host says nothing any more and said no goodbye: it is down, cut off, or its agent is. It is not known to have crashed.',
  backlog:
    'A host sends what it could not send for long: history, which changes nothing of what is wrong now.',
} as const;

/** What a signal means, in a sentence. */
export function signalMeaning(signal: Signal): string {
  if (signal.kind === 'drop') return dropMeaning(signal.reason, signal.function);
  if (signal.kind === 'counter')
    return explain(signal.counter)?.means ?? `Packets are lost that the kernel counts in ${signal.counter}.`;
  return MEANINGS[signal.kind];
}

/** Under which name the catalog may have it; empty where that is not for the catalog. */
export function catalogName(signal: Signal): string {
  if (signal.kind === 'drop') return signal.reason;
  return signal.kind === 'counter' ? signal.counter : '';
}
