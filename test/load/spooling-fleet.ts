/**
 * Hosts under load, each with a real spool on disk and a real publisher: what tests kill, starve and deceive.
 *
 *   node test/load/spooling-fleet.ts --nats=HOST:PORT --cell=CELL --data=DIR --hosts=10 --rate=20
 *
 * Each host seals `rate` messages a second; each message carries one loss "load/message", so that what was folded can be
 * counted. Commands on stdin, one a line: `surge HOST REASON EVENTS_PER_SECOND` (0 ends it), `stop`. After `stop` it
 * waits until the log has everything and prints, by host, `{"incarnation","seq"}` of the newest message.
 */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { openJetStreamLog, systemClock } from '@netfall/log';
import { cellSubjects, type Envelope, encodeEntry, hostSubject, streamName } from '@netfall/proto';
import { pino } from 'pino';
import { Publisher } from '../../agent/publisher/publisher.ts';
import { openSpool } from '../../agent/spool/sqlite-spool.ts';

const { values } = parseArgs({
  options: {
    nats: { type: 'string', default: '' },
    cell: { type: 'string', default: 'default' },
    data: { type: 'string', default: '' },
    hosts: { type: 'string', default: '10' },
    rate: { type: 'string', default: '20' },
  },
});
const { cell } = values;
const rate = Number(values.rate);
const logger = pino({ level: 'silent' });
const clock = systemClock;

async function openLog() {
  for (;;) {
    try {
      return await openJetStreamLog({
        servers: [values.nats],
        stream: streamName(cell),
        subjects: [cellSubjects(cell)],
      });
    } catch {
      // The server may be down at the moment: that is what the tests are about.
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

const log = await openLog();

class Host {
  readonly id: string;
  readonly #spool;
  readonly #publisher: Publisher;
  #seq = 0;
  reason = '';
  eventsPerSecond = 0;

  constructor(id: string) {
    this.id = id;
    this.#spool = openSpool({
      data: join(values.data, id),
      maxMessages: 100_000,
      maxBytes: 1e9,
      clock,
      random: Math.random,
      logger,
    });
    this.#publisher = new Publisher({
      spool: this.#spool,
      log,
      clock,
      random: Math.random,
      logger,
      hostId: id,
      subject: hostSubject(cell, id),
      lost: () => {},
    });
  }

  seal(): void {
    this.#seq = this.#spool.append(({ incarnation, seq, oldestSeq, carried }) => {
      const losses = [...carried, { source: 'load', hop: 'message', count: 1 }];
      const envelope: Envelope = {
        cell,
        host_id: this.id,
        incarnation,
        seq,
        oldest_seq: oldestSeq,
        boot_id: 'boot',
        observed_us: clock.nowUs(),
        losses,
        items: [
          {
            heartbeat: {
              agent_version: 'load',
              interval_ms: 10_000,
              sources: [],
              spool_messages: 0,
              spool_bytes: 0,
            },
          },
          { drop_report: this.#drops() },
        ],
      };
      return { data: encodeEntry({ envelope }), losses };
    });
    this.#publisher.wake();
  }

  #drops() {
    const events = Math.round(this.eventsPerSecond / rate);
    const drop = {
      reason: this.reason,
      function: 'load',
      offset: 0,
      module: '',
      protocol: 'IPv4',
      origin: 1,
      trap: '',
      events,
      packets: events,
      bytes: events * 60,
    };
    return {
      window_us: Math.round(1e6 / rate),
      received_packets: 1000,
      sent_packets: 1000,
      drops: events > 0 ? [drop] : [],
      other: null,
      samples: [],
    };
  }

  async finish(): Promise<{ incarnation: string; seq: number }> {
    await this.#publisher.flush(120_000);
    return { incarnation: this.#spool.incarnation, seq: this.#seq };
  }
}

const hosts = Array.from({ length: Number(values.hosts) }, (_, i) => new Host(`load-${i}`));
let next = 0;
// Hosts take turns, so that the load is even.
const timer = setInterval(
  () => {
    hosts[next++ % hosts.length]?.seal();
  },
  1000 / (rate * hosts.length),
);
console.log('ready');

for await (const line of createInterface({ input: process.stdin })) {
  const [command, id, reason = '', events = '0'] = line.split(' ');
  const host = hosts.find((known) => known.id === id);
  if (command === 'surge' && host) {
    host.reason = reason;
    host.eventsPerSecond = Number(events);
  }
  if (command !== 'stop') continue;
  clearInterval(timer);
  const finished = await Promise.all(hosts.map(async (each) => [each.id, await each.finish()] as const));
  console.log(JSON.stringify(Object.fromEntries(finished)));
  process.exit(0);
}
