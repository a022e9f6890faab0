/**
 * How fast the log is read, beside the client library's own ways on the same stream in the same run.
 * Run it with Node: `node log/jetstream/reader.bench.ts [entries]`.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { startNatsServer } from '../../test/nats-server.ts';
import { openJetStreamLog } from './jetstream-log.ts';

const entries = Number(process.argv[2] ?? 200_000);
const IN_FLIGHT = 10_000;
const ROUNDS = 7;

const dir = mkdtempSync(join(tmpdir(), 'netfall-bench-'));
const server = await startNatsServer({ dir, syncAlways: false });
const log = await openJetStreamLog({ servers: [server.url], stream: 'BENCH', subjects: ['netfall.bench.>'] });
const nc = await connect({ servers: server.url, noAsyncTraces: true });
const js = jetstream(nc);
const jsm = await jetstreamManager(nc);

async function fill(): Promise<void> {
  const data = new Uint8Array(400);
  let number = 0;
  const appender = async () => {
    while (number < entries) {
      const id = `m${++number}`;
      await log.append({ subject: `netfall.bench.host.web-${number % 1000}`, id, data });
    }
  };
  await Promise.all(Array.from({ length: 1000 }, appender));
}

async function readLog(): Promise<void> {
  const abort = new AbortController();
  for await (const batch of log.read({ from: 1, signal: abort.signal })) {
    if (batch.at(-1)?.sequence === entries) return;
  }
}

async function consumeOrdered(): Promise<void> {
  const consumer = await js.consumers.get('BENCH');
  for await (const message of await consumer.consume({ max_messages: IN_FLIGHT })) {
    if (message.info.streamSequence === entries) return;
  }
}

async function consumePlain(): Promise<void> {
  const { name } = await jsm.consumers.add('BENCH', { ack_policy: AckPolicy.None, mem_storage: true });
  const consumer = await js.consumers.get('BENCH', name);
  for await (const message of await consumer.consume({ max_messages: IN_FLIGHT })) {
    if (message.info.streamSequence === entries) return;
  }
}

const ways = { plain: consumePlain, ordered: consumeOrdered, log: readLog };
type Way = keyof typeof ways;

interface Cost {
  readonly wallUs: number;
  readonly cpuUs: number;
}

async function measure(read: () => Promise<void>): Promise<Cost> {
  const start = performance.now();
  const cpu = process.cpuUsage();
  await read();
  const { user, system } = process.cpuUsage(cpu);
  return { wallUs: (performance.now() - start) * 1000, cpuUs: user + system };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

try {
  await fill();
  // The ways take turns, and each is compared with its neighbours: the machine is seldom as quiet as it was a minute ago.
  const rounds: Record<Way, Cost>[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const costs = {
      plain: await measure(ways.plain),
      ordered: await measure(ways.ordered),
      log: await measure(ways.log),
    };
    // The first round warms up.
    if (round > 0) rounds.push(costs);
  }
  const ratio = (way: Way, of: (cost: Cost) => number) =>
    median(rounds.map((costs) => of(costs[way]) / of(costs.plain))).toFixed(2);
  for (const way of ['ordered', 'log'] as const) {
    console.log(
      `${way}: ${ratio(way, ({ wallUs }) => 1 / wallUs)} of the rate, ${ratio(way, ({ cpuUs }) => cpuUs)} of the CPU of plain`,
    );
  }
  const rate = median(rounds.map(({ plain }) => entries / (plain.wallUs / 1e6)));
  console.log(`plain: consume() with ${IN_FLIGHT} in flight, ${Math.round(rate)} entries/s`);
} finally {
  await nc.close();
  await log.close();
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}
