/**
 * The fold's budget: its rate with SQLite on against a bare JetStream consumer's on the same stream, how its cost grows
 * with the fleet, and what a host takes in memory.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { openJetStreamLog, type Stored } from '@netfall/log';
import { cellSubjects, streamName } from '@netfall/proto';
import { startFoldThread } from '../../collector/fold-thread.ts';
import type { FolderStatus } from '../../collector/folder.ts';
import { FLEET_CELL, fleetMessages, roundUs, usualSignals } from '../load/fleet.ts';
import { type NatsServer, startNatsServer } from '../nats-server.ts';
import { measured, type Options, type Result } from './result.ts';

/** Hosts of the small and the large fleet whose costs are compared. */
const SMALL = 1000;
const LARGE = 100_000;
const STREAM = streamName(FLEET_CELL);

export async function run(options: Options): Promise<readonly Result[]> {
  const messages = Number(options['messages'] ?? 300_000);
  const pairs = Number(options['pairs'] ?? 5);
  const dir = mkdtempSync(join(tmpdir(), 'netfall-bench-fold-'));
  try {
    const ratio = await rateRatio(dir, messages, pairs);
    const growth = await costGrowth(dir);
    return [
      measured('fold rate / bare consumer rate', ratio, '>=0.25'),
      measured(`CPU per entry, ${LARGE} hosts / ${SMALL} hosts`, growth, '<=2.5'),
      measured('bytes a host with 3 live signals / 4096', bytesPerHost(3) / 4096, '<=1'),
      measured('bytes a host with 30 live signals / 10240', bytesPerHost(30) / 10_240, '<=1'),
    ];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Reads one stream in turn with a bare consumer and with log, fold thread and database; the median of the pairs' ratios. */
async function rateRatio(dir: string, messages: number, pairs: number): Promise<number> {
  const server = await startNatsServer({ dir: join(dir, 'nats'), syncAlways: false });
  try {
    await fill(server, messages);
    const ratios: number[] = [];
    for (let i = 0; i < pairs; i++) {
      const bare = await consumeBare(server, messages);
      const folded = await foldStream(server, join(dir, `rate-${i}.db`), messages);
      console.error(`pair ${i + 1}: bare ${Math.round(bare)}/s, folded ${Math.round(folded)}/s`);
      ratios.push(folded / bare);
    }
    return median(ratios);
  } finally {
    await server.stop();
  }
}

/** Publishes without waiting for each acknowledgement, then waits until the stream holds everything. */
async function fill(server: NatsServer, messages: number): Promise<void> {
  const log = await openJetStreamLog({
    servers: [server.url],
    stream: STREAM,
    subjects: [cellSubjects(FLEET_CELL)],
  });
  const nc = await connect({ servers: server.url });
  let sent = 0;
  for (const { subject, data } of fleetMessages({ hosts: SMALL, signals: usualSignals })) {
    nc.publish(subject, data);
    if (++sent % 5000 === 0) {
      await nc.flush();
      while ((await log.info()).last < sent - 20_000) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    if (sent === messages) break;
  }
  await nc.flush();
  while ((await log.info()).last < messages) await new Promise((resolve) => setTimeout(resolve, 50));
  await nc.close();
  await log.close();
}

/** Messages a second that nats.js hands to a loop that only counts them. */
async function consumeBare(server: NatsServer, messages: number): Promise<number> {
  const nc = await connect({ servers: server.url });
  const { name } = await (await jetstreamManager(nc)).consumers.add(STREAM, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.All,
    mem_storage: true,
    inactive_threshold: 60_000_000_000,
  });
  const consumer = await jetstream(nc).consumers.get(STREAM, name);
  const began = performance.now();
  let seen = 0;
  for await (const _ of await consumer.consume({ max_messages: 10_000 })) if (++seen === messages) break;
  const seconds = (performance.now() - began) / 1000;
  await nc.close();
  return messages / seconds;
}

/** Messages a second through the log's reader, the fold's thread and its commits. */
async function foldStream(server: NatsServer, path: string, messages: number): Promise<number> {
  const log = await openJetStreamLog({
    servers: [server.url],
    stream: STREAM,
    subjects: [cellSubjects(FLEET_CELL)],
  });
  const { done, events } = untilFolded(messages);
  const [folding] = await startFoldThread({ path, identity: 'bench', cell: FLEET_CELL }, events);
  const stop = new AbortController();
  const began = performance.now();
  for await (const batch of log.read({ from: 1, signal: stop.signal })) {
    await folding.push(batch);
    if ((batch.at(-1)?.sequence ?? 0) >= messages) stop.abort();
  }
  await done;
  const seconds = (performance.now() - began) / 1000;
  await folding.close();
  await log.close();
  return messages / seconds;
}

/** CPU time an entry of a large fleet over that of a small one, each in its steady state, commits included. */
async function costGrowth(dir: string): Promise<number> {
  const costs: Record<'small' | 'large', number[]> = { small: [], large: [] };
  for (let i = 0; i < 3; i++) {
    costs.small.push(await cpuPerEntry(join(dir, `small-${i}.db`), SMALL, LARGE));
    costs.large.push(await cpuPerEntry(join(dir, `large-${i}.db`), LARGE, LARGE));
    console.error(
      `CPU per entry: ${costs.small.at(-1)?.toFixed(1)} and ${costs.large.at(-1)?.toFixed(1)} µs`,
    );
  }
  return median(costs.large) / median(costs.small);
}

async function cpuPerEntry(path: string, hosts: number, entries: number): Promise<number> {
  // One round makes the hosts; what follows is measured.
  const total = hosts + entries;
  const batches: Stored[][] = [];
  let sequence = 0;
  let batch: Stored[] = [];
  for (const message of fleetMessages({ hosts, signals: usualSignals })) {
    const round = Math.floor(sequence / hosts);
    const timeUs = roundUs(round) + Math.floor(((sequence % hosts) * 10_000_000) / hosts);
    batch.push({ ...message, sequence: ++sequence, timeUs });
    if (batch.length === 1024 || sequence === total) {
      batches.push(batch);
      batch = [];
    }
    if (sequence === total) break;
  }
  const warm = untilFolded(hosts);
  const all = untilFolded(total);
  const [folding] = await startFoldThread(
    { path, identity: 'bench', cell: FLEET_CELL },
    {
      committed: (status) => {
        warm.events.committed(status);
        all.events.committed(status);
      },
      stalled: all.events.stalled,
      failed: all.events.failed,
    },
  );
  let began = process.cpuUsage();
  let first = 0;
  for (const entries of batches) {
    await folding.push(entries);
    const last = entries.at(-1)?.sequence ?? 0;
    if (first === 0 && last >= hosts) {
      await warm.done;
      began = process.cpuUsage();
      first = last;
    }
  }
  await all.done;
  const { user, system } = process.cpuUsage(began);
  await folding.close();
  return (user + system) / (total - first);
}

function untilFolded(sequence: number) {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const events = {
    committed: (status: FolderStatus) => {
      if (status.sequence >= sequence) resolve();
    },
    stalled: (why: string) => reject(new Error(why)),
    failed: reject,
  };
  return { done: promise, events };
}

function bytesPerHost(signals: number): number {
  const program = join(import.meta.dirname, 'fold-memory.ts');
  const out = execFileSync(process.execPath, ['--expose-gc', program, '20000', String(signals)], {
    encoding: 'utf8',
  });
  return JSON.parse(out).bytesPerHost;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
