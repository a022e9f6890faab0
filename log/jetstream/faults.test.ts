/** What befalls the JetStream log from outside: cut connections, killed servers, restored and replaced streams. */

import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Base64UrlPaddedCodec, Objm } from '@nats-io/obj';
import { connect, headers } from '@nats-io/transport-node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  findNatsServer,
  NATS_SERVER_MISSING,
  type NatsServer,
  startNatsServer,
} from '../../test/nats-server.ts';
import { codeOf, collect, ending, message, rejection, texts } from '../contract/bed.ts';
import { whole } from '../contract/blobs.ts';
import { type Log, LogError, type Stored } from '../log.ts';
import { startTcpProxy, type TcpProxy } from '../testing/tcp-proxy.ts';
import { type JetStreamLogOptions, openJetStreamLog } from './jetstream-log.ts';

const missing = findNatsServer() === null;

describe.skipIf(missing)(missing ? `JetStream faults (${NATS_SERVER_MISSING})` : 'JetStream faults', () => {
  let dir: string;
  let server: NatsServer;
  let proxy: TcpProxy;
  const logs: Log[] = [];

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'netfall-nats-'));
    server = await startNatsServer({ dir });
    proxy = await startTcpProxy(server.port);
  });
  afterEach(async () => {
    await Promise.all(logs.splice(0).map((log) => log.close()));
    await proxy.close();
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  async function open(options: Partial<JetStreamLogOptions> = {}): Promise<Log> {
    const log = await openJetStreamLog({
      servers: [server.url],
      stream: 'FAULTS',
      subjects: ['netfall.test.>'],
      timeoutMs: 1000,
      ...options,
    });
    logs.push(log);
    return log;
  }
  const throughProxy = () => ({ servers: [`nats://127.0.0.1:${proxy.port}`] });

  /** Appends until the log has it, as an agent does. */
  async function persist(log: Log, id: string): Promise<void> {
    for (;;) {
      try {
        await log.append(message(id));
        return;
      } catch (error) {
        if (!(error instanceof LogError) || !['unavailable', 'timeout'].includes(error.code)) throw error;
        await pause(20);
      }
    }
  }

  async function api(subject: string, body: unknown): Promise<{ error?: { description: string } }> {
    const nc = await connect({ servers: server.url });
    const reply = await nc.request(`$JS.API.${subject}`, JSON.stringify(body));
    await nc.close();
    return reply.json();
  }

  /** Reads in the background; what came and how it ended can be asked at any time. */
  function follow(log: Log, from: number) {
    const abort = new AbortController();
    const entries: Stored[] = [];
    const end = (async () => {
      try {
        for await (const batch of log.read({ from, signal: abort.signal })) entries.push(...batch);
        return 'quiet';
      } catch (error) {
        return codeOf(error);
      }
    })();
    const has = async (count: number) => {
      while (entries.length < count) await pause(5);
    };
    return { entries, end, has, abort };
  }

  test('cut again and again, a reader gets every entry once and in order', async () => {
    const writer = await open();
    const reader = follow(await open(throughProxy()), 1);
    const ids = Array.from({ length: 3000 }, (_, index) => `m${index + 1}`);
    for (let done = 0; done < ids.length; done += 200) {
      await Promise.all(ids.slice(done, done + 200).map((id) => writer.append(message(id))));
      // Answers that are dropped without the connection breaking at once leave holes that only the numbers show.
      if (done % 600 === 0) proxy.swallow = () => true;
      await pause(5);
      proxy.cut();
      proxy.swallow = () => false;
    }
    await reader.has(3000);
    reader.abort.abort();
    expect(await reader.end).toBe('quiet');
    expect(reader.entries.map(({ sequence }) => sequence)).toEqual(ids.map((_, index) => index + 1));
    expect(new Set(texts(reader.entries))).toEqual(new Set(ids));
  });

  test('a message that is lost on a connection that stands is asked for again', async () => {
    const writer = await open();
    const reader = follow(await open(throughProxy()), 1);
    await persist(writer, 'a');
    await reader.has(1);
    let swallowed = 0;
    // Entries that come one by one come in a piece of their own, so the protocol around them stays whole.
    proxy.swallow = (answer) =>
      answer.toString('latin1').startsWith('HMSG netfall.test') && ++swallowed === 1;
    await persist(writer, 'b');
    while (swallowed === 0) await pause(5);
    await persist(writer, 'c');
    await reader.has(3);
    expect(texts(reader.entries)).toEqual(['a', 'b', 'c']);
    reader.abort.abort();
    expect(await reader.end).toBe('quiet');
  });

  test('a heartbeat that tells of a lost message makes the reader ask again', async () => {
    const log = await open();
    const spy = await connect({ servers: server.url });
    const inboxes: string[] = [];
    spy.subscribe('$JS.API.CONSUMER.MSG.NEXT.FAULTS.*', {
      callback: (_, request) => void inboxes.push(request.reply ?? ''),
    });
    await spy.flush();
    const reader = follow(log, 1);
    await persist(log, 'a');
    await reader.has(1);
    const heartbeat = headers(100, 'Idle Heartbeat');
    heartbeat.set('Nats-Last-Consumer', '2');
    spy.publish(inboxes[0]!, '', { headers: heartbeat });
    while (new Set(inboxes).size < 2) await pause(5);
    await persist(log, 'b');
    await reader.has(2);
    expect(texts(reader.entries)).toEqual(['a', 'b']);
    reader.abort.abort();
    await spy.close();
  });

  test('a reader that does not come back for more stops the flow, and gets everything when it does', async () => {
    const writer = await open();
    const data = new Uint8Array(400_000);
    for (let index = 1; index <= 120; index++) await writer.append(message(`m${index}`, { data }));
    const abort = new AbortController();
    const reader = (await open(throughProxy()))
      .read({ from: 1, signal: abort.signal })
      [Symbol.asyncIterator]();
    const entries = [...((await reader.next()).value as Stored[])];
    for (let before = -1; before !== proxy.passedBytes; ) {
      before = proxy.passedBytes;
      await pause(300);
    }
    // Of 48 MB: a few pulls of 8 MiB.
    expect(proxy.passedBytes).toBeLessThan(32_000_000);
    while (entries.length < 120) entries.push(...((await reader.next()).value as Stored[]));
    expect(entries.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 120 }, (_, index) => index + 1),
    );
    abort.abort();
  });

  test('without a connection appends fail at once, those under way too, and all is well when it is back', async () => {
    const notices: string[] = [];
    const log = await open({ ...throughProxy(), timeoutMs: 60_000, notice: (text) => notices.push(text) });
    await log.append(message('before'));
    proxy.swallow = () => true;
    const underWay = rejection(log.append(message('under-way')));
    await pause(50);
    proxy.refuse = true;
    proxy.cut();
    // With a time-out of a minute, these settle only because the loss is noticed.
    expect(await underWay).toBe('unavailable');
    expect(await rejection(log.append(message('without')))).toBe('unavailable');
    expect(await rejection(log.info())).toBe('unavailable');
    expect(await rejection(log.blobs.list(''))).toBe('unavailable');
    expect(await rejection(log.evidence.put('crash/1', []))).toBe('unavailable');
    proxy.refuse = false;
    proxy.swallow = () => false;
    await persist(log, 'after');
    expect(notices[0]).toMatch(/^lost the connection to nats:.* reconnecting$/);
    expect(notices[1]).toMatch(/^connected to .* again$/);
    expect(texts(await collect(log, 1, 3))).toEqual(['before', 'under-way', 'after']);
  });

  test('a server killed in mid-append has everything that it acknowledged', async () => {
    const log = await open();
    const reader = follow(log, 1);
    const acknowledged = new Map<string, number>();
    const settled: Promise<void>[] = [];
    let number = 0;
    const appendSome = () => {
      for (let index = 0; index < 50; index++) {
        const id = `m${++number}`;
        settled.push(
          log.append(message(id)).then(
            ({ sequence }) => void acknowledged.set(id, sequence),
            (error) => expect(['unavailable', 'timeout']).toContain(codeOf(error)),
          ),
        );
      }
    };
    for (let round = 0; round < 3; round++) {
      appendSome();
      while (acknowledged.size < round * 20 + 10) await pause(1);
      await server.kill('SIGKILL');
      await Promise.all(settled.splice(0));
      await server.restart();
      await persist(log, `round${round}`);
    }
    const { last } = await log.info();
    await reader.has(last);
    expect(reader.entries.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: last }, (_, index) => index + 1),
    );
    expect(acknowledged.size).toBeGreaterThanOrEqual(30);
    for (const [id, sequence] of acknowledged) expect(texts([reader.entries[sequence - 1]!])).toEqual([id]);
    reader.abort.abort();
  });

  describe('a stream restored from a backup', () => {
    async function backUp(): Promise<void> {
      await server.stop();
      cpSync(server.storeDir, join(dir, 'backup'), { recursive: true });
      await server.restart();
    }
    async function restore(): Promise<void> {
      await server.stop();
      rmSync(server.storeDir, { recursive: true });
      cpSync(join(dir, 'backup'), server.storeDir, { recursive: true });
      await server.restart();
    }

    test('is noticed by a reader that is ahead of it, and by one that starts from a checkpoint', async () => {
      const log = await open();
      await Promise.all(['a', 'b'].map((id) => persist(log, id)));
      await backUp();
      await persist(log, 'c');
      const { identity } = await log.info();
      const reader = follow(log, 1);
      await reader.has(3);
      await restore();
      expect(await reader.end).toBe('rewound');
      expect(await log.info()).toMatchObject({ identity, last: 2 });
      expect(await ending(log, 4)).toBe('rewound');
      expect(texts(await collect(log, 1, 2))).toHaveLength(2);
    });

    test('is noticed even when it has grown beyond the reader before that is connected again', async () => {
      const log = await open();
      await persist(log, 'a');
      await backUp();
      await persist(log, 'b');
      const reader = follow(await open(throughProxy()), 1);
      await reader.has(2);
      proxy.refuse = true;
      proxy.cut();
      await restore();
      for (const id of ['x', 'y', 'z']) await persist(log, id);
      proxy.refuse = false;
      expect(await reader.end).toBe('rewound');
      expect(texts(reader.entries)).toEqual(['a', 'b']);
    });

    test('is not suspected when nothing was lost', async () => {
      const log = await open();
      const reader = follow(log, 1);
      await persist(log, 'a');
      await reader.has(1);
      await backUp();
      await restore();
      await persist(log, 'b');
      await reader.has(2);
      expect(texts(reader.entries)).toEqual(['a', 'b']);
      reader.abort.abort();
      expect(await reader.end).toBe('quiet');
    });
  });

  test('a stream that is deleted and made again is another one', async () => {
    const log = await open();
    await persist(log, 'a');
    const { identity } = await log.info();
    const reader = follow(log, 1);
    await reader.has(1);
    await api('STREAM.DELETE.FAULTS', {});
    expect(await rejection(log.append(message('nowhere')))).toBe('unavailable');
    const again = await open();
    await persist(again, 'b');
    expect(await reader.end).toBe('replaced');
    expect((await again.info()).identity).not.toBe(identity);
    expect(await ending(log, 1)).toBe('replaced');
    expect(texts(await collect(again, 1, 1))).toEqual(['b']);
  });

  test('entries purged while the reader was away are a gap', async () => {
    const log = await open();
    await persist(log, 'a');
    const reader = follow(await open(throughProxy()), 1);
    await reader.has(1);
    proxy.refuse = true;
    proxy.cut();
    for (const id of ['b', 'c']) await persist(log, id);
    await log.purge(3);
    proxy.refuse = false;
    expect(await reader.end).toBe('gap');
    expect(reader.entries).toHaveLength(1);
  });

  test('an entry lost from the middle is a gap, not a step over it', async () => {
    await api('STREAM.CREATE.FAULTS', {
      name: 'FAULTS',
      subjects: ['netfall.test.>'],
      discard: 'new',
      storage: 'file',
      allow_direct: true,
    });
    const log = await open();
    for (const id of ['a', 'b', 'c']) await persist(log, id);
    await api('STREAM.MSG.DELETE.FAULTS', { seq: 2 });
    const reader = follow(log, 1);
    expect(await reader.end).toBe('gap');
    expect(texts(reader.entries)).toEqual(['a']);
    expect(texts(await collect(log, 3, 1))).toEqual(['c']);
  });

  test('a consumer that is deleted under the reader is replaced', async () => {
    const log = await open();
    const reader = follow(log, 1);
    await persist(log, 'a');
    await reader.has(1);
    const { consumers } = (await api('CONSUMER.NAMES.FAULTS', {})) as { consumers: string[] };
    expect(consumers).toHaveLength(1);
    await api(`CONSUMER.DELETE.FAULTS.${consumers[0]}`, {});
    await persist(log, 'b');
    await reader.has(2);
    expect(texts(reader.entries)).toEqual(['a', 'b']);
    reader.abort.abort();
    expect(await reader.end).toBe('quiet');
  });

  test('readers that end leave no consumer behind', async () => {
    const log = await open();
    await persist(log, 'a');
    for (let round = 0; round < 3; round++) await collect(log, 1, 1);
    let consumers: string[];
    do ({ consumers } = (await api('CONSUMER.NAMES.FAULTS', {})) as { consumers: string[] });
    while (consumers.length > 0);
    expect(consumers).toEqual([]);
  });

  test('a stream with settings that lose entries is refused, and each difference is named', async () => {
    await api('STREAM.CREATE.FAULTS', {
      name: 'FAULTS',
      subjects: ['netfall.other.>'],
      storage: 'memory',
      discard: 'old',
      max_bytes: 1000,
      max_age: 3_600_000_000_000,
      max_msgs_per_subject: 5,
    });
    const error = await open().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'conflict' });
    expect((error as Error).message).toBe(
      `stream FAULTS on ${server.url} cannot hold the log: storage is memory, wanted file; ` +
        'max_age is 3600000000000, wanted 0; allow_direct is false, wanted true; max_msgs_per_subject is 5, wanted none; discard is old, wanted new; ' +
        'subjects lack netfall.test.>: mend it with nats stream edit',
    );
  });

  test('other differences are told, and the log opens', async () => {
    await (await open()).close();
    const notices: string[] = [];
    await open({ maxBytes: 1_000_000, notice: (text) => notices.push(text) });
    expect(notices).toEqual([
      `stream FAULTS on ${server.url} differs from the configuration: max_bytes is -1, wanted 1000000`,
    ]);
  });

  test('a server that is not there is named', async () => {
    await server.stop();
    const error = await open().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'unavailable' });
    expect((error as Error).message).toContain(server.url);
  });

  test('credentials are used, and wrong ones are said to be refused', async () => {
    const guarded = await startNatsServer({
      dir: join(dir, 'guarded'),
      config: 'authorization { users = [{ user: agent, password: secret }] }',
    });
    try {
      const servers = [guarded.url];
      const error = await open({ servers, credentials: { user: 'agent', password: 'guess' } }).catch(
        (reason) => reason,
      );
      expect(error).toMatchObject({ code: 'unavailable' });
      expect(error.message).toMatch(/^cannot connect to nats:.*Authorization Violation/i);
      const log = await open({ servers, credentials: { user: 'agent', password: 'secret' } });
      expect(await log.append(message('a'))).toMatchObject({ sequence: 1 });
      await log.close();
    } finally {
      await guarded.stop();
    }
  });

  test('a message that the server would not take is too large', async () => {
    const log = await open({ maxMessageBytes: 2_000_000 });
    expect(await rejection(log.append(message('big', { data: new Uint8Array(1_500_000) })))).toBe(
      'too-large',
    );
    expect(await log.append(message('small'))).toMatchObject({ sequence: 1 });
  });

  test('a blob that lost chunks is corrupt, not endless', async () => {
    const log = await open();
    await log.blobs.put('snapshot', [new Uint8Array(1_000_000)]);
    await api('STREAM.PURGE.OBJ_FAULTS-blobs', { filter: '$O.FAULTS-blobs.C.>' });
    const chunks = (await log.blobs.get('snapshot'))!;
    expect(await rejection(chunks[Symbol.asyncIterator]().next())).toBe('corrupt');
  });

  test('deleted blobs leave nothing in the bucket', async () => {
    const log = await open();
    await log.blobs.put('snapshot/1', [new Uint8Array(300_000)]);
    await log.blobs.delete('snapshot/1');
    const info = (await api('STREAM.INFO.OBJ_FAULTS-blobs', {})) as { state?: { messages: number } };
    expect(info.state?.messages).toBe(0);
  });

  test('a put that was refused in mid-way leaves nothing in the bucket', async () => {
    const log = await open({ maxEvidenceBytes: 500_000 });
    const chunks = [new Uint8Array(400_000), new Uint8Array(400_000)];
    expect(await rejection(log.evidence.put('crash/1', chunks))).toBe('full');
    const info = (await api('STREAM.INFO.OBJ_FAULTS-evidence', {})) as { state?: { messages: number } };
    expect(info.state?.messages).toBe(0);
  });

  test('where no bucket for evidence can be made the log opens, says so, and takes evidence once there is one', async () => {
    const small = await startNatsServer({ dir: join(dir, 'small'), jetstream: 'max_file_store: 50MB' });
    try {
      const notices: string[] = [];
      const servers = [small.url];
      const log = await open({ servers, notice: (text) => notices.push(text) });
      expect(notices).toEqual([
        `bucket FAULTS-evidence on ${small.url} is full (insufficient storage resources available): ` +
          'purge it, raise max_bytes or add disk; until then there is no place for evidence',
      ]);
      expect(await log.append(message('a'))).toMatchObject({ sequence: 1 });
      await log.blobs.put('snapshot', [new Uint8Array(10)]);
      expect(await rejection(log.evidence.put('crash/1', []))).toBe('unavailable');
      expect(await rejection(log.evidence.list(''))).toBe('unavailable');
      await open({ servers, maxEvidenceBytes: 1_000_000 });
      await log.evidence.put('crash/1', []);
      expect(await log.evidence.list('')).toEqual(['crash/1']);
    } finally {
      await Promise.all(logs.splice(0).map((log) => log.close()));
      await small.stop();
    }
  });

  test('a server that takes small messages only gets small chunks', async () => {
    const narrow = await startNatsServer({ dir: join(dir, 'narrow'), config: 'max_payload: 10000' });
    try {
      const log = await open({ servers: [narrow.url] });
      const data = randomBytes(100_001);
      await log.evidence.put('crash/1', [data]);
      expect((await whole(log.evidence, 'crash/1'))?.equals(data)).toBe(true);
    } finally {
      await Promise.all(logs.splice(0).map((log) => log.close()));
      await narrow.stop();
    }
  });

  test('what others write as descriptions harms nobody', async () => {
    const log = await open();
    await log.evidence.put('crash/1', [Buffer.from('whole')]);
    const nc = await connect({ servers: server.url });
    const describe = (name: string, description: unknown) =>
      nc.request(
        `$O.FAULTS-evidence.M.${Base64UrlPaddedCodec.encode(name)}`,
        typeof description === 'string' ? description : JSON.stringify(description),
      );
    const sound = { nuid: 'AAAA', chunks: 1, digest: `SHA-256=${'A'.repeat(43)}=`, name: 'crash/other' };
    const hostile: readonly [string, unknown][] = [
      ['crash/text', 'no JSON'],
      ['crash/null', null],
      ['crash/all', { ...sound, nuid: '*' }],
      ['crash/endless', { ...sound, chunks: Number.MAX_SAFE_INTEGER }],
      ['crash/negative', { ...sound, chunks: -1 }],
      ['crash/undigested', { ...sound, digest: 7 }],
      ['crash/hollow', { ...sound, chunks: 0 }],
    ];
    for (const [name, description] of hostile) await describe(name, description);
    await describe('no blob name', sound);
    await nc.request('$O.FAULTS-evidence.M.!', '{}');
    const names = hostile.map(([name]) => name);
    expect(await log.evidence.list('crash/')).toEqual(['crash/1', ...names].sort());
    expect(await log.evidence.list('')).toHaveLength(1 + names.length);
    for (const name of names)
      expect([name, await rejection(whole(log.evidence, name))]).toEqual([name, 'corrupt']);
    await log.evidence.put('crash/all', [Buffer.from('mended')]);
    expect((await whole(log.evidence, 'crash/all'))?.toString()).toBe('mended');
    await describe('crash/null', { ...sound, deleted: true });
    expect(await log.evidence.get('crash/null')).toBeNull();
    expect(await log.evidence.list('crash/null')).toEqual([]);
    for (const name of names) await log.evidence.delete(name);
    expect(await log.evidence.list('')).toEqual(['crash/1']);
    expect((await whole(log.evidence, 'crash/1'))?.toString()).toBe('whole');
    await nc.close();
  });

  test('the client library, and so the tools of NATS, read what is put here', async () => {
    const log = await open();
    const data = randomBytes(300_000);
    await log.evidence.put('crash/1', [data]);
    await log.evidence.put('crash/2', []);
    const nc = await connect({ servers: server.url });
    const objects = await new Objm(nc).open('FAULTS-evidence');
    expect((await objects.list()).map(({ name, size }) => [name, size])).toEqual([
      ['crash/1', 300_000],
      ['crash/2', 0],
    ]);
    expect(Buffer.from((await objects.getBlob('crash/1'))!).equals(data)).toBe(true);
    // And the other way round, tombstones included.
    await objects.putBlob({ name: 'crash/3' }, data);
    await objects.delete('crash/2');
    expect(await log.evidence.list('')).toEqual(['crash/1', 'crash/3']);
    expect(await log.evidence.get('crash/2')).toBeNull();
    expect((await whole(log.evidence, 'crash/3'))?.equals(data)).toBe(true);
    await nc.close();
  });
});
