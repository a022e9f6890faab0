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
const ROUNDS = 3;

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

/** Entries a second, the best of some rounds. */
async function rate(read: () => Promise<void>): Promise<number> {
  let best = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    await read();
    best = Math.max(best, entries / ((performance.now() - start) / 1000));
  }
  return best;
}

try {
  await fill();
  const plain = await rate(consumePlain);
  for (const [name, read] of [
    ['ordered consumer', consumeOrdered],
    ['this log', readLog],
  ] as const) {
    console.log(`${name}: ${((await rate(read)) / plain).toFixed(2)} of a plain consumer's rate`);
  }
  console.log(`a plain consumer, consume() with ${IN_FLIGHT} in flight: ${Math.round(plain)} entries/s`);
} finally {
  await nc.close();
  await log.close();
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}
