/** `netfall counters`: which counters of losses moved, held against the drops that were seen. Needs no server. */
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { NOWHERE, watchCounters } from '@netfall/agent/counters';
import { countersPage } from '../counters/page.ts';
import { CounterTally } from '../counters/tally.ts';
import { openDropCounter } from '../drops/open.ts';
import { CommandError } from '../errors.ts';
import { stopSignal } from '../runtime/signals.ts';
import { print } from '../terminal/print.ts';

const DEFAULT_WINDOW_MS = 5000;

interface Options {
  /** Milliseconds. */
  readonly for?: number;
  /** Whether to list counters that count no losses, too. */
  readonly all?: boolean;
  readonly root: string;
  readonly json?: boolean;
}

export async function counters({ for: forMs = DEFAULT_WINDOW_MS, all, root, json }: Options): Promise<void> {
  const tally = new CounterTally();
  using resources = new DisposableStack();
  const drops = tryOpen(root);
  if (typeof drops !== 'string') resources.use(drops);
  const counted = resources.use(watchCounters(root));
  const slack = () => typeof drops !== 'string' && drops.read((row) => tally.slack(row));
  slack();
  const began = performance.now();
  const signal = stopSignal();
  // A script learns from it that what happens from here on counts.
  if (!process.stderr.isTTY) process.stderr.write(`counting for ${forMs / 1000} s; SIGINT ends it sooner\n`);
  for (let second = 1, over = false; !over; second++) {
    const due = Math.min(second * 1000, forMs);
    showProgress(forMs - (second - 1) * 1000);
    await sleep(Math.max(0, due - (performance.now() - began)), undefined, { signal }).catch(() => {});
    over = signal.aborted || due >= forMs;
    if (typeof drops !== 'string') {
      drops.read((row) => tally.drop(row));
      for (const [hop, count] of Object.entries(drops.losses())) tally.lost(hop, count);
    }
    counted.read({
      ...NOWHERE,
      counter: (...counter) => tally.counter(...counter),
      socket: (row) => tally.socket(row),
      loss: (hop, count) => tally.missed(hop, count),
    });
  }
  slack();
  showProgress(0);
  const lines = tally.counters();
  const view = {
    host: hostname(),
    elapsedS: (performance.now() - began) / 1000,
    why: typeof drops === 'string' ? drops : '',
    findings: typeof drops === 'string' ? null : tally.findings(),
    counters: all ? lines : lines.filter(({ lost }) => lost !== 'never'),
    sockets: tally.sockets(),
    losses: tally.losses(),
  };
  const { host, elapsedS, why, findings, ...rest } = view;
  const document = {
    host,
    seconds: elapsedS,
    audit: findings,
    ...(why !== '' && { not_audited: why }),
    ...rest,
  };
  print(json, document, (paper) => countersPage(view, paper));
}

/** What counts drops, or why nothing can: counters can be shown all the same. */
function tryOpen(root: string): ReturnType<typeof openDropCounter> | string {
  try {
    return openDropCounter(root);
  } catch (error) {
    if (error instanceof CommandError) return error.message;
    throw error;
  }
}

/** Says on a terminal how long it will take; with 0, takes that back. */
function showProgress(leftMs: number): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(leftMs > 0 ? `\rcounting, ${Math.ceil(leftMs / 1000)} s left \u001b[K` : '\r\u001b[K');
}
