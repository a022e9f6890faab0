/** `netfall simulate`: the log of a synthetic fleet, and the truth about it; as files, or into a log as it would come. */
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Log, openEmbeddedLog, sleep, systemClock } from '@netfall/log';
import { writeEventLine } from '@netfall/proto';
import { listScenarios, liveMessage, type Simulated, simulate, type Truth } from '@netfall/simulate';
import { suggest } from '../config/suggest.ts';
import { CommandError } from '../errors.ts';
import { createLogger } from '../runtime/logger.ts';
import { openLog } from '../runtime/open-log.ts';
import { stopSignal } from '../runtime/signals.ts';
import { print } from '../terminal/print.ts';
import { table } from '../terminal/table.ts';
import { clockTime, compact } from '../terminal/text.ts';

interface Options {
  readonly scenario?: string;
  readonly hosts: number;
  readonly seed: number;
  readonly cell: string;
  readonly list?: boolean;
  readonly out?: string;
  readonly nats?: readonly string[];
  readonly log?: string;
  readonly speed?: number;
  readonly json?: boolean;
}

/** Messages that wait for the log at once. */
const MOST_IN_FLIGHT = 256;
const CHUNK_LINES = 256;
const SAY_EVERY_MS = 200;

/** @param wrongUsage says so and ends the command. */
export async function simulateFleet(options: Options, wrongUsage: (message: string) => never): Promise<void> {
  const { json, out, speed = 1 } = options;
  if (options.list) {
    const scenarios = listScenarios();
    const columns = [
      { title: 'SCENARIO', cell: ({ name }: (typeof scenarios)[0]) => name },
      { title: 'WHAT HAPPENS', cell: ({ summary }: (typeof scenarios)[0]) => summary, flexible: true },
    ];
    print(json, { scenarios }, (paper) => table(scenarios, columns, paper));
    return;
  }
  const simulated = simulatedOf(options, wrongUsage);
  const progress = new Progress(simulated.truth, process.stderr.isTTY && !json);
  const where =
    out === undefined ? await feed(simulated, options, progress) : await write(simulated, out, progress);
  progress.end();
  const { entries } = progress;
  const { scenario, seed, hosts, incidents } = simulated.truth;
  const document = { scenario, seed, hosts, entries, incidents: incidents.length, ...where };
  print(json, document, (paper) => [
    `${scenario} on ${hosts} hosts, seed ${seed}: ${entries} entries over ${spanOf(simulated.truth)}`,
    ...truthTable(simulated.truth, paper),
    'out' in where
      ? `written to ${join(where.out, EVENTS)} and ${TRUTH}`
      : `${where.appended} appended at ${speed} times the speed`,
  ]);
}

function simulatedOf(options: Options, wrongUsage: (message: string) => never): Simulated {
  const { scenario, hosts, seed, cell, out, nats, log, speed } = options;
  const names = listScenarios().map(({ name }) => name);
  if (scenario === undefined) wrongUsage(`name a --scenario: ${names.join(', ')}`);
  if (!names.includes(scenario)) {
    const near = suggest(scenario, names);
    const guess = near === null ? '' : ` (did you mean ${near}?)`;
    wrongUsage(`there is no scenario ${JSON.stringify(scenario)}${guess}: name one of ${names.join(', ')}`);
  }
  if ([out, nats, log].filter((one) => one !== undefined).length !== 1)
    wrongUsage('say where to: --out DIR for files, --nats URL or --log DIR for a log');
  if (out !== undefined && speed !== undefined)
    wrongUsage('--speed is for a log: files are written as fast as can be');
  try {
    return simulate({ scenario, hosts, seed, cell });
  } catch (error) {
    if (error instanceof RangeError) wrongUsage(error.message);
    throw error;
  }
}

const EVENTS = 'events.ndjson';
const TRUTH = 'truth.json';

async function write(
  { truth, entries }: Simulated,
  dir: string,
  progress: Progress,
): Promise<{ out: string }> {
  function* chunks(): Generator<string> {
    let lines: string[] = [];
    for (const entry of entries()) {
      lines.push(writeEventLine(entry), '\n');
      progress.passed(entry.timeUs);
      if (lines.length < 2 * CHUNK_LINES) continue;
      yield lines.join('');
      lines = [];
    }
    yield lines.join('');
  }
  try {
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, TRUTH), `${JSON.stringify(truth)}\n`);
    await pipeline(Readable.from(chunks()), createWriteStream(join(dir, EVENTS)));
  } catch (error) {
    if (error instanceof Error && 'syscall' in error && 'code' in error)
      throw new CommandError(`${dir} cannot be written (${error.code}): name a folder with room for the log`);
    throw error;
  }
  return { out: dir };
}

/** Appends everything when its time has come. Stops at the first signal, or when the log refuses. */
async function feed(
  { truth, entries }: Simulated,
  options: Options,
  progress: Progress,
): Promise<{ appended: number }> {
  const stop = stopSignal();
  await using log = closing(await openNamed(options));
  const beganUs = systemClock.nowUs();
  // Later runs sort behind earlier ones, as incarnations do.
  const run = beganUs.toString(36).padStart(12, '0');
  const waiting = new Set<Promise<unknown>>();
  let failure: unknown;
  let appended = 0;
  for (const entry of entries()) {
    const dueUs = beganUs + (entry.timeUs - truth.start) / (options.speed ?? 1);
    const aheadMs = (dueUs - systemClock.nowUs()) / 1000;
    if (aheadMs >= 1) await sleep(systemClock, aheadMs, stop);
    else if (waiting.size >= MOST_IN_FLIGHT) await Promise.race(waiting);
    if (stop.aborted || failure !== undefined) break;
    progress.passed(entry.timeUs);
    const message = liveMessage(entry, systemClock.nowUs(), run);
    if (!message) continue;
    const append = log.log
      .append(message)
      .then(() => {
        appended++;
      })
      .catch((error: unknown) => {
        failure ??= error;
      })
      .finally(() => waiting.delete(append));
    waiting.add(append);
  }
  await Promise.all(waiting);
  if (failure !== undefined) throw failure;
  return { appended };
}

function openNamed({ nats, log: dir, cell }: Options): Promise<Log> | Log {
  if (dir !== undefined) return openEmbeddedLog({ dir, clock: systemClock });
  const config = { nats: { servers: [...(nats ?? [])] } };
  return openLog(config, '', { cell, clock: systemClock, logger: createLogger('warn') });
}

function closing(log: Log) {
  return { log, [Symbol.asyncDispose]: () => log.close() };
}

/** Says on a terminal how far it is. */
class Progress {
  entries = 0;
  readonly #truth: Truth;
  readonly #shown: boolean;
  #saidMs = 0;

  constructor(truth: Truth, shown: boolean) {
    this.#truth = truth;
    this.#shown = shown;
  }

  /** An entry is dealt with. */
  passed(timeUs: number): void {
    this.entries++;
    if (!this.#shown) return;
    const nowMs = performance.now();
    if (nowMs - this.#saidMs < SAY_EVERY_MS) return;
    this.#saidMs = nowMs;
    const { hosts, start } = this.#truth;
    const at = clockTime((timeUs - start) / 1_000_000);
    const text = `${hosts} hosts, ${compact(this.entries)} entries, ${at} of ${spanOf(this.#truth)}`;
    process.stderr.write(`\r${text}\u001b[K`);
  }

  end(): void {
    if (this.#shown) process.stderr.write('\r\u001b[K');
  }
}

function spanOf({ start, end }: Truth): string {
  return clockTime((end - start) / 1_000_000);
}

function truthTable({ incidents, start }: Truth, paper: Parameters<typeof table>[2]): readonly string[] {
  if (incidents.length === 0) return [];
  const at = (us: number) => clockTime((us - start) / 1_000_000);
  type Row = (typeof incidents)[0];
  return table(
    incidents,
    [
      { title: 'TRUTH', cell: ({ id }: Row) => id },
      { title: 'KIND', cell: ({ kind }: Row) => kind },
      {
        title: 'HOSTS',
        cell: ({ hosts, extent, consequence_of }: Row) =>
          consequence_of === null ? `${hosts.length} of ${extent}` : `${hosts.length}`,
        right: true,
      },
      { title: 'FROM', cell: (row: Row) => at(row.start), right: true },
      { title: 'TO', cell: ({ end }: Row) => at(end), right: true },
      { title: 'CAUSE', cell: causeOf, flexible: true },
    ],
    paper,
  );
}

function causeOf({ cause, consequence_of }: Truth['incidents'][0]): string {
  if (consequence_of !== null) return `comes of ${consequence_of}`;
  return cause.map(({ attribute, value }) => `${attribute}=${value}`).join(' and ');
}
