/** `netfall drops`: what this host drops right now. Needs no server. */
import { hostname } from 'node:os';
import type { Command } from 'commander';
import { parseDuration } from '../duration.ts';
import { CommandError } from '../errors.ts';

/** How long it counts when nobody watches. */
const DEFAULT_WINDOW_MS = 5000;

interface Options {
  readonly for?: number;
  readonly root: string;
  readonly json?: boolean;
}

export function addDrops(program: Command): void {
  program
    .command('drops')
    .description('show what this host drops, live; needs CAP_BPF and CAP_PERFMON (or root), no server')
    .option(
      '--for <duration>',
      'stop after this long, e.g. 5s (default: until q; 5s without a terminal)',
      parseDuration,
    )
    .option('--root <dir>', 'read /sys and /proc below this directory', '')
    .action((_: unknown, command: Command) => drops(command.optsWithGlobals()));
}

async function drops({ for: forMs, root, json }: Options): Promise<void> {
  const { openKfreeSkb, probeKfreeSkb } = await import('@netfall/agent');
  const { count, watch } = await import('../drops/watch.ts');
  const { dropMeaning } = await import('@netfall/catalog');
  const { state, missing, mend } = probeKfreeSkb({ root });
  if (state === 'unavailable') throw new CommandError(`drops cannot be counted: ${missing}: ${mend}`);

  using counter = openKfreeSkb({ root });
  const everyday = (reason: string, fn: string) => dropMeaning(reason, fn).everyday;
  if (json || !process.stdout.isTTY) {
    const windowMs = forMs ?? DEFAULT_WINDOW_MS;
    const counted = await count(counter, windowMs);
    process.stdout.write(json ? counted.json() : counted.table({ host: hostname(), everyday }));
  } else {
    await watch(counter, { host: hostname(), everyday, ...(forMs !== undefined && { forMs }) });
  }
}
