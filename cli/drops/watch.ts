/** Reads the drop counter once a second: into a live table, or for a window whose sum is printed at its end. */
import type { DropSample } from '@netfall/proto';
import { wantsColour, widthOf } from '../terminal/text.ts';
import type { Audited, DropAudit } from './audit.ts';
import { openScreen } from './screen.ts';
import { type DropsView, drawDrops } from './table.ts';
import { type DropCount, type DropKind, type DropLine, DropTally } from './tally.ts';

/** What counts drops. */
export interface DropCounter {
  read(visit: (row: Readonly<DropCount>) => void): void;
  /** Visits the samples since the last time of which `wants` said that they are of use; there may never be any. */
  readSamples(
    wants: (kind: Readonly<DropKind>) => boolean,
    take: (sample: DropSample, kind: Readonly<DropKind>) => void,
  ): void;
  /** Drops that were not counted under a name since it was opened, by hop. */
  losses(): Readonly<Record<string, number>>;
}

/** Seconds between two readings of the counters, which take longer than those of drops. */
const AUDIT_EVERY_S = 5;

type Described = Pick<DropsView, 'host' | 'everyday'>;

/** What was counted in a window. */
export interface Counted {
  /** A line a (reason, function, protocol), most events first, and that of ledger and audit. */
  json(): string;
  table(described: Described): string;
}

/** What is read while somebody watches; no `audit` where counters cannot be. */
export interface Watched {
  readonly counter: DropCounter;
  readonly audit: DropAudit | null;
}

/** Counts for a window; SIGINT and SIGTERM end it early. */
export async function count(watched: Watched, windowMs: number): Promise<Counted> {
  const tally = new DropTally();
  const began = performance.now();
  await everySecond(watched, tally, windowMs, endingSignals(), () => {});
  const elapsedS = (performance.now() - began) / 1000;
  const audit = watched.audit?.found() ?? null;
  return {
    json: () => countedLines(tally, audit, elapsedS),
    table: ({ host, everyday }) => {
      const screen = {
        width: widthOf(process.stdout),
        height: Number.POSITIVE_INFINITY,
        colour: wantsColour(process.stdout),
      };
      const lines = tally.lines();
      const view = { host, everyday, elapsedS, lines, ledger: tally.ledger(), audit, hint: '' };
      return `${drawDrops(view, screen)}\n`;
    },
  };
}

/** Shows a live table until `q`, Ctrl-C, a signal or the end of the window, and leaves its last state behind. */
export async function watch(
  watched: Watched,
  options: Described & { readonly forMs?: number },
): Promise<void> {
  const tally = new DropTally();
  const began = performance.now();
  using screen = openScreen(process.stdin, process.stdout);
  const colour = wantsColour(process.stdout);
  const draw = (height: number, hint: string) =>
    drawDrops(
      {
        ...options,
        elapsedS: (performance.now() - began) / 1000,
        lines: tally.lines(),
        ledger: tally.ledger(),
        audit: watched.audit?.found() ?? null,
        hint,
      },
      { width: screen.width, height, colour },
    );
  const show = () => screen.show(draw(screen.height, 'q quits   dimmed: comes with healthy traffic'));
  screen.onResize(show);
  show();
  const quit = AbortSignal.any([endingSignals(), screen.quit]);
  await everySecond(watched, tally, options.forMs ?? Number.POSITIVE_INFINITY, quit, show);
  screen.leave(draw(Number.POSITIVE_INFINITY, ''));
}

/** Reads once a second, and a last time at the window's end or when the signal aborts. */
async function everySecond(
  { counter, audit }: Watched,
  tally: DropTally,
  windowMs: number,
  signal: AbortSignal,
  then: () => void,
): Promise<void> {
  const began = performance.now();
  let before = began;
  for (let second = 1; ; second++) {
    const due = Math.min(second * 1000, windowMs) - (performance.now() - began);
    await wait(Math.max(0, due), signal);
    // Before the counts, which then hold every kind that was sampled.
    counter.readSamples(
      (kind) => tally.wantsSample(kind),
      (sample, kind) => tally.sample(sample, kind),
    );
    counter.read((row) => {
      tally.add(row);
      audit?.drop(row);
    });
    const over = signal.aborted || second * 1000 >= windowMs;
    if (over || second % AUDIT_EVERY_S === 0) audit?.read();
    for (const [hop, lost] of Object.entries(counter.losses())) tally.lost(hop, lost);
    const now = performance.now();
    tally.tick((now - before) / 1000);
    before = now;
    then();
    if (over) return;
  }
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}

/** Aborts at the first signal that asks to end. A second one ends the process in the usual way. */
function endingSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => controller.abort());
  return controller.signal;
}

function countedLines(tally: DropTally, audit: Audited | null, elapsedS: number): string {
  const lines = [...tally.lines()].sort((a, b) => b.events - a.events || (key(a) < key(b) ? -1 : 1));
  const counted = lines.map((line) => countedLine(line, elapsedS));
  const { matched: _, ...findings } = audit ?? { matched: 0 };
  const last = { ledger: tally.ledger(), ...(audit && { audit: findings }) };
  return `${[...counted, JSON.stringify(last)].join('\n')}\n`;
}

function countedLine(line: DropLine, elapsedS: number): string {
  const { reason, function: fn, protocol, events, packets, bytes, sample } = line;
  const rate = Math.round((events / elapsedS) * 1000) / 1000;
  const counts = { reason, function: fn, protocol, events, packets, bytes, rate };
  if (sample === null) return JSON.stringify(counts);
  const { observed_us, interface: iface, namespace, length, flows } = sample;
  return JSON.stringify({ ...counts, sample: { observed_us, interface: iface, namespace, length, flows } });
}

function key({ reason, function: fn, protocol }: DropCount): string {
  return `${reason} ${fn} ${protocol}`;
}
