/** `netfall drops`: what this host drops right now. Needs no server. */
import { hostname } from 'node:os';
import { reasonRule } from '@netfall/catalog';
import { openDropCounter } from '../drops/open.ts';
import { count, watch } from '../drops/watch.ts';

/** How long it counts when nobody watches. */
const DEFAULT_WINDOW_MS = 5000;

interface Options {
  /** Milliseconds. */
  readonly for?: number;
  readonly root: string;
  readonly json?: boolean;
}

export async function drops({ for: forMs, root, json }: Options): Promise<void> {
  using counter = openDropCounter(root);
  const described = {
    host: hostname(),
    everyday: (reason: string, fn: string) => reasonRule(reason, fn).alarm === 'never',
  };
  if (process.stdout.isTTY && !json) {
    await watch(counter, { ...described, ...(forMs !== undefined && { forMs }) });
    return;
  }
  const counted = await count(counter, forMs ?? DEFAULT_WINDOW_MS);
  process.stdout.write(json ? counted.json() : counted.table(described));
}
