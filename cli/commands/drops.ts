/** `netfall drops`: what this host drops right now. Needs no server. */
import { hostname } from 'node:os';
import { probeCounters, watchCounters } from '@netfall/agent/counters';
import { reasonRule } from '@netfall/catalog';
import { DropAudit } from '../drops/audit.ts';
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
  using resources = new DisposableStack();
  const counter = resources.use(openDropCounter(root));
  const place = root === '' ? '/' : root;
  const canAudit = probeCounters(place).state !== 'unavailable';
  const audit = canAudit ? new DropAudit(resources.use(watchCounters(place))) : null;
  const described = {
    host: hostname(),
    everyday: (reason: string, fn: string) => reasonRule(reason, fn).alarm === 'never',
  };
  if (process.stdout.isTTY && !json) {
    await watch({ counter, audit }, { ...described, ...(forMs !== undefined && { forMs }) });
    return;
  }
  const counted = await count({ counter, audit }, forMs ?? DEFAULT_WINDOW_MS);
  process.stdout.write(json ? counted.json() : counted.table(described));
}
