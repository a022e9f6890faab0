import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openJetStreamLog, type Stored } from '@netfall/log';
import { cellSubjects, decodeEntry, streamName } from '@netfall/proto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fold, type Rows } from '../../collector/fold/fold.ts';
import type { Incident, Notification } from '../../collector/fold/model.ts';
import { currentRules } from '../../collector/rules.ts';
import { rowsDigest } from '../../collector/store/digest.ts';
import { type Loaded, Store } from '../../collector/store/store.ts';
import { findNatsServer, NATS_SERVER_MISSING, type NatsServer, startNatsServer } from '../nats-server.ts';
import { eventually, Netfall } from '../processes/netfall.ts';
import { Receiver } from '../processes/receiver.ts';

const CELL = 'faults';
const HOSTS = 10;
const FLEET = join(import.meta.dirname, '../load/spooling-fleet.ts');

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A collector of its own process and folder, that can be killed and started again. */
class Collector {
  readonly data: string;
  readonly #config: string;
  readonly #webhook: string;
  #process: Netfall | undefined;
  #url = '';

  constructor(dir: string, name: string, server: NatsServer, webhook: string) {
    this.data = join(dir, name);
    this.#config = join(dir, `${name}.yaml`);
    this.#webhook = webhook;
    const nats = JSON.stringify(server.url);
    writeFileSync(
      this.#config,
      `cell: ${CELL}\ndata: ${this.data}\nlisten: 127.0.0.1:0\nlog:\n  nats:\n    servers: [${nats}]\n` +
        'notify:\n  - name: ops\n    type: slack\n    url_env: TEST_WEBHOOK\n',
    );
  }

  async start(): Promise<void> {
    this.#process = new Netfall(['collector', '--config', this.#config], {
      env: { TEST_WEBHOOK: this.#webhook },
    });
    this.#url = (await this.#process.line(/answers at (http:[^\s"]+)/))[1] ?? '';
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#process?.kill(signal);
  }

  async get(path: string): Promise<{ readonly incidents: Incident[]; readonly sequence: number }> {
    const response = await fetch(`${this.#url}${path}`);
    return (await response.json()) as { incidents: Incident[]; sequence: number };
  }

  async isLeader(): Promise<boolean> {
    const text = await (await fetch(`${this.#url}/metrics`)).text();
    return /^netfall_leader 1$/m.test(text);
  }

  async incidents(): Promise<Incident[]> {
    return (await this.get('/api/v1/incidents')).incidents;
  }

  /** What it left behind. To be called when it has ended. */
  loaded(): Loaded {
    const store = new Store(join(this.data, 'replica.db'));
    try {
      const loaded = store.load();
      if (!loaded) throw new Error(`${this.data} holds nothing`);
      return loaded;
    } finally {
      store.close();
    }
  }
}

describe.skipIf(!findNatsServer())(`what processes survive (${NATS_SERVER_MISSING})`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'netfall-faults-'));
  let slack: Receiver;
  let server: NatsServer;
  let fleet: Netfall;
  let collectors: readonly Collector[];
  let entries: Stored[];
  let last: Readonly<Record<string, { incarnation: string; seq: number }>>;

  function startFleet(): Netfall {
    const args = [
      `--nats=${server.url}`,
      `--cell=${CELL}`,
      `--data=${join(dir, 'fleet')}`,
      `--hosts=${HOSTS}`,
    ];
    return new Netfall([...args, '--rate=20'], { program: FLEET });
  }

  const leader = () =>
    eventually(async () => {
      for (const collector of collectors) {
        if (await collector.isLeader().catch(() => false)) return collector;
      }
      return null;
    }, 40_000);

  const firing = (reason: string) =>
    eventually(async () => {
      for (const collector of collectors) {
        const incidents = await collector.incidents().catch(() => []);
        const found = incidents.find(({ signal }) => signal.kind === 'drop' && signal.reason === reason);
        if (found) return found;
      }
      return null;
    }, 30_000);

  beforeAll(async () => {
    slack = await Receiver.start();
    server = await startNatsServer({ dir: join(dir, 'nats') });
    collectors = ['one', 'two'].map((name) => new Collector(dir, name, server, slack.url));
    for (const collector of collectors) await collector.start();
    fleet = startFleet();
    await fleet.line(/^ready$/);
    await pause(3000);

    // The leader dies while the sink holds its message: sent, and nobody recorded it.
    slack.holdMs = 4000;
    fleet.say('surge load-0 SENT_NOT_RECORDED 2000');
    await firing('SENT_NOT_RECORDED');
    const sending = await leader();
    await eventually(async () => slack.received.length > 0, 20_000);
    await sending.kill();
    slack.holdMs = 0;
    await eventually(async () => slack.received.some(({ acknowledged }) => acknowledged), 60_000);
    await sending.start();

    // The leader dies with its claim, before anything could be sent.
    slack.refusing = true;
    fleet.say('surge load-1 CLAIMED_NOT_SENT 2000');
    await firing('CLAIMED_NOT_SENT');
    const claiming = await leader();
    await claiming.kill();
    slack.refusing = false;
    await pause(2000);
    await claiming.start();

    // The server dies in mid-append and comes back.
    await server.kill('SIGKILL');
    await pause(2000);
    await server.restart();
    await pause(3000);

    // The agents die, one loses its spool.
    await fleet.kill('SIGKILL');
    rmSync(join(dir, 'fleet', 'load-3'), { recursive: true });
    fleet = startFleet();
    await fleet.line(/^ready$/);
    await pause(3000);

    // A collector dies in mid-fold; the log is away for half a minute; both collectors die at once.
    await collectors[0]?.kill();
    await collectors[0]?.start();
    await server.stop();
    await pause(30_000);
    await server.restart();
    await pause(5000);
    for (const collector of collectors) await collector.kill();
    for (const collector of collectors) await collector.start();
    fleet.say('surge load-2 AFTER_ALL_THAT 2000');
    await firing('AFTER_ALL_THAT');
    await eventually(async () => {
      const names = new Set(slack.received.map(({ body }) => body.text?.match(/[A-Z_]{12,}/)?.[0]));
      return names.size === 3;
    }, 60_000);

    fleet.say('stop');
    last = JSON.parse((await fleet.line(/^\{.*\}$/, 120_000))[0]);
    const log = await openJetStreamLog({
      servers: [server.url],
      stream: streamName(CELL),
      subjects: [cellSubjects(CELL)],
    });
    const { last: newest } = await log.info();
    for (const collector of collectors) {
      await eventually(async () => (await collector.get('/readyz')).sequence >= newest, 30_000);
    }
    for (const collector of collectors) await collector.kill('SIGTERM');
    entries = [];
    const end = (await log.info()).last;
    const stop = new AbortController();
    for await (const batch of log.read({ from: 1, signal: stop.signal })) {
      entries.push(...batch);
      if (entries.length >= end) stop.abort();
    }
    await log.close();
  }, 400_000);

  afterAll(async () => {
    await fleet?.kill('SIGKILL');
    for (const collector of collectors ?? []) await collector.kill();
    await server?.stop();
    slack?.close();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Different messages of each host and incarnation that the log holds, however often. */
  function logged(): Map<string, Set<number>> {
    const messages = new Map<string, Set<number>>();
    for (const { data } of entries) {
      const { envelope } = decodeEntry(data);
      if (!envelope) continue;
      const key = `${envelope.host_id}/${envelope.incarnation}`;
      const seqs = messages.get(key);
      if (seqs) seqs.add(envelope.seq);
      else messages.set(key, new Set([envelope.seq]));
    }
    return messages;
  }

  test('every message that a host numbered is in the log', () => {
    const messages = logged();
    expect(messages.size).toBe(HOSTS + 1);
    for (const [id, { incarnation, seq }] of Object.entries(last)) {
      const seqs = messages.get(`${id}/${incarnation}`);
      expect(seqs?.size, id).toBe(seq);
      expect(Math.max(...(seqs ?? [])), id).toBe(seq);
      // The load went on throughout: but for the one whose spool was wiped, twenty a second for over a minute.
      if (id !== 'load-3') expect(seq).toBeGreaterThan(600);
    }
  });

  test('every message was folded exactly once or is in the ledger', () => {
    const messages = logged();
    for (const collector of collectors) {
      for (const { id, state } of collector.loaded().rows.hosts) {
        const folded =
          state.losses.find(({ source, hop }) => source === 'load' && hop === 'message')?.count ?? 0;
        const held = [...messages].filter(([key]) => key.startsWith(`${id}/`));
        expect(folded, id).toBe(held.reduce((sum, [, seqs]) => sum + seqs.size, 0));
        // What the wiped spool had not sent is all that may be missing.
        if (id !== 'load-3') expect(state.messages_lost, id).toBe(0);
      }
    }
  });

  test('every trouble is one incident, the same for both collectors', () => {
    const [one, two] = collectors.map((collector) => [...collector.loaded().rows.incidents]);
    const reasons = one?.map(({ signal }) => signal.kind === 'drop' && signal.reason).sort();
    expect(reasons).toEqual(['AFTER_ALL_THAT', 'CLAIMED_NOT_SENT', 'SENT_NOT_RECORDED']);
    expect(two?.map(({ id, fingerprint }) => [id, fingerprint])).toEqual(
      one?.map(({ id, fingerprint }) => [id, fingerprint]),
    );
  });

  test('no notification is lost, and only a crash between send and record repeats one', () => {
    const notifications: Notification[] = [...(collectors[0]?.loaded().rows.notifications ?? [])];
    const taken = slack.received
      .filter(({ acknowledged }) => acknowledged)
      .map(({ notification }) => notification);
    for (const { id, deliveries } of notifications) {
      expect(taken, id).toContain(id);
      expect(deliveries, id).toMatchObject([{ sink: 'ops', state: 'delivered' }]);
    }
    const repeated = slack.received.filter(({ notification }, i) => {
      return slack.received.findIndex((first) => first.notification === notification) !== i;
    });
    expect(repeated.map(({ body }) => body.text?.match(/[A-Z_]{12,}/)?.[0])).toEqual(['SENT_NOT_RECORDED']);
  });

  test('both collectors hold what a fold of the whole log gives, to the bit', () => {
    for (const collector of collectors) {
      const { checkpoint, rows } = collector.loaded();
      expect(rowsDigest(rows)).toBe(rowsDigest(foldAll(entries, checkpoint.sequence)));
    }
  });
});

function foldAll(entries: readonly Stored[], until: number): Rows {
  const fold = new Fold(currentRules(CELL));
  for (const entry of entries) {
    if (entry.sequence > until) break;
    fold.apply(entry);
  }
  return fold.rows();
}
