/** The permissions that docs/log.md recommends, on a real server: what they let collectors and agents do, and what not. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  findNatsServer,
  NATS_SERVER_MISSING,
  type NatsServer,
  startNatsServer,
} from '../../test/nats-server.ts';
import { collect, message, rejection } from '../contract/bed.ts';
import { whole } from '../contract/blobs.ts';
import type { Log } from '../log.ts';
import { openJetStreamLog } from './jetstream-log.ts';

const DOC = join(import.meta.dirname, '../../docs/log.md');

function recommended(): string {
  const [, text] = /```\n(authorization \{[\s\S]*?)```/.exec(readFileSync(DOC, 'utf8')) ?? [];
  if (!text) throw new Error(`${DOC} recommends no permissions`);
  return text.replace('$COLLECTOR_PASSWORD', '"c"').replace('$WEB_1_PASSWORD', '"w"');
}

const missing = findNatsServer() === null;

describe.skipIf(missing)(missing ? `permissions (${NATS_SERVER_MISSING})` : 'permissions', () => {
  const dir = mkdtempSync(join(tmpdir(), 'netfall-nats-'));
  const refusals: string[] = [];
  let server: NatsServer;
  let collector: Log;
  let agent: Log;

  const open = (user: string, password: string) =>
    openJetStreamLog({
      servers: [server.url],
      credentials: { user, password },
      inboxPrefix: `_INBOX_${user}`,
      stream: 'netfall-default',
      subjects: ['netfall.default.>'],
      timeoutMs: 500,
      notice: (text) => refusals.push(text),
    });

  beforeAll(async () => {
    server = await startNatsServer({ dir, config: recommended() });
    collector = await open('collector', 'c');
    agent = await open('web-1', 'w');
  });
  afterAll(async () => {
    await agent?.close();
    await collector?.close();
    await server?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test('a collector may do what its work is made of', async () => {
    refusals.length = 0;
    for (const kind of ['epoch', 'claim', 'tick', 'delivered', 'reading']) {
      await collector.append(message(`c/${kind}`, { subject: `netfall.default.${kind}` }));
    }
    await agent.append(message('h/1', { subject: 'netfall.default.host.web-1' }));
    expect(await collect(collector, 1, 6)).toHaveLength(6);
    expect((await collector.lastOn('netfall.default.claim'))?.sequence).toBe(2);
    expect((await collector.get(6))?.subject).toBe('netfall.default.host.web-1');
    const large = new Uint8Array(400_000).fill(7);
    await collector.blobs.put('snapshot/1', [large]);
    await collector.blobs.put('snapshot/2', [large]);
    expect((await whole(collector.blobs, 'snapshot/1'))?.equals(large)).toBe(true);
    await collector.blobs.delete('snapshot/1');
    expect(await collector.blobs.list('')).toEqual(['snapshot/2']);
    await collector.purge(2);
    expect(await collector.info()).toMatchObject({ first: 2, last: 6 });
    await agent.evidence.put('crash/1', [large]);
    await agent.evidence.put('crash/2', [large]);
    expect(await collector.evidence.list('crash/')).toEqual(['crash/1', 'crash/2']);
    expect((await whole(collector.evidence, 'crash/1'))?.equals(large)).toBe(true);
    await collector.evidence.delete('crash/1');
    expect(await collector.evidence.list('')).toEqual(['crash/2']);
    expect(refusals).toEqual([]);
  });

  test('an agent may watch the switches, and no other subject', async () => {
    refusals.length = 0;
    const stop = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const { data } of agent.watchLast('netfall.default.switches', stop.signal))
        seen.push(Buffer.from(data).toString());
    })();
    await agent.info();
    await collector.append(message('s/1', { subject: 'netfall.default.switches' }));
    await expect.poll(() => seen, { timeout: 10_000 }).toEqual(['s/1']);
    expect(refusals).toEqual([]);
    const other = agent.watchLast('netfall.default.epoch', stop.signal)[Symbol.asyncIterator]().next();
    await expect.poll(() => refusals.join(), { timeout: 10_000 }).toContain('DIRECT.GET');
    expect(refusals.join()).toContain('Subscription to "netfall.default.epoch"');
    stop.abort();
    expect(await other).toEqual({ done: true, value: undefined });
    await watching;
  });

  test.each([
    'netfall.default.switches',
    'netfall.default.epoch',
    'netfall.default.claim',
    'netfall.default.delivered',
    'netfall.default.tick',
    'netfall.default.reading',
    'netfall.default.host.web-2',
    'netfall.default.host.web-1.more',
  ])('an agent may not append on %s', async (subject) => {
    const { last } = await agent.info();
    refusals.length = 0;
    const code = await rejection(agent.append(message(`x/${subject}`, { subject })));
    expect(['unavailable', 'timeout']).toContain(code);
    expect(refusals.join()).toContain(`"${subject}"`);
    expect((await collector.info()).last).toBe(last);
    // It is no worse off than before.
    const own = await agent.append(message(`own/${subject}`, { subject: 'netfall.default.host.web-1' }));
    expect(own).toEqual({ sequence: last + 1, duplicate: false });
  });

  test.each(['_INBOX.>', '_INBOX_collector.>', '_INBOX_web-2.>', '>'])(
    'an agent may not read replies on %s',
    async (subject) => {
      const connection = await connect({ servers: server.url, user: 'web-1', pass: 'w' });
      const refusal = Promise.withResolvers<Error | null>();
      connection.subscribe(subject, { callback: (error) => refusal.resolve(error) });
      expect((await refusal.promise)?.message).toContain(
        `Permissions Violation for Subscription to "${subject}"`,
      );
      await connection.close();
    },
  );

  test('an agent may put evidence, also again and in place of other, and leaves nothing of what it replaced', async () => {
    refusals.length = 0;
    const log = new Uint8Array(300_000).fill(1);
    for (const data of [log, log, new Uint8Array(200_000), log])
      await agent.evidence.put('crash/own', [data]);
    async function* failing() {
      yield log;
      throw new Error('the source failed');
    }
    await expect(agent.evidence.put('crash/other', failing())).rejects.toThrow('the source failed');
    expect((await whole(collector.evidence, 'crash/own'))?.equals(log)).toBe(true);
    expect(refusals).toEqual([]);
    await collector.evidence.delete('crash/own');
    for (const name of await collector.evidence.list('')) await collector.evidence.delete(name);
    const everything = await connect({
      servers: server.url,
      user: 'collector',
      pass: 'c',
      inboxPrefix: '_INBOX_collector',
    });
    const info = await everything.request('$JS.API.STREAM.INFO.OBJ_netfall-default-evidence');
    expect(info.json<{ state: { messages: number } }>().state.messages).toBe(0);
    await everything.close();
  });

  test('an agent may not look at evidence, its own included', async () => {
    await agent.evidence.put('crash/own', [Buffer.from('log')]);
    refusals.length = 0;
    const refused = await Promise.all(
      [agent.evidence.get('crash/own'), agent.evidence.list(''), agent.evidence.delete('crash/own')].map(
        rejection,
      ),
    );
    expect(refused).toEqual(refused.map(() => expect.stringMatching(/^(unavailable|timeout)$/)));
    const said = refusals.join();
    expect(said).toContain('"$JS.API.STREAM.MSG.GET.OBJ_netfall-default-evidence"');
    expect(said).toContain('"$JS.API.CONSUMER.CREATE.OBJ_netfall-default-evidence.');
    const connection = await connect({
      servers: server.url,
      user: 'web-1',
      pass: 'w',
      inboxPrefix: '_INBOX_web-1',
    });
    for (const subject of ['', '.$O.netfall-default-evidence.C.x']) {
      const get = `$JS.API.DIRECT.GET.OBJ_netfall-default-evidence${subject}`;
      await expect(connection.request(get, '{"seq":1}', { timeout: 500 })).rejects.toThrow();
    }
    for (const chunks of ['$O.netfall-default-evidence.C.*', '$O.netfall-default-evidence.>']) {
      const refusal = Promise.withResolvers<Error | null>();
      connection.subscribe(chunks, { callback: (error) => refusal.resolve(error) });
      expect((await refusal.promise)?.message).toContain(`Subscription to "${chunks}"`);
    }
    await connection.close();
    expect(await collector.evidence.list('')).toEqual(['crash/own']);
  });

  test('an agent may not read, purge, or touch blobs', async () => {
    const { first } = await agent.info();
    const stop = new AbortController();
    const reading = (async () => {
      for await (const batch of agent.read({ from: first, signal: stop.signal })) return batch.length;
      return 0;
    })();
    const refused = await Promise.all(
      [
        agent.get(first),
        agent.lastOn('netfall.default.epoch'),
        agent.purge(first + 1),
        agent.blobs.put('snapshot/3', [Uint8Array.of(1)]),
        agent.blobs.delete('snapshot/2'),
        agent.blobs.list(''),
        agent.blobs.get('snapshot/2'),
      ].map(rejection),
    );
    expect(refused).toEqual(refused.map(() => expect.stringMatching(/^(unavailable|timeout)$/)));
    stop.abort();
    expect(await reading).toBe(0);
    expect((await collector.info()).first).toBe(first);
    expect(await collector.blobs.list('')).toEqual(['snapshot/2']);
  });

  test('an agent that is there before the bucket for evidence does all the rest, and puts once it is made', async () => {
    const connection = await connect({
      ...{ servers: server.url, user: 'collector', pass: 'c', inboxPrefix: '_INBOX_collector' },
    });
    await connection.request('$JS.API.STREAM.DELETE.OBJ_netfall-default-evidence');
    await connection.close();
    refusals.length = 0;
    const early = await open('web-1', 'w');
    expect(refusals.join('\n')).toMatch(
      /refused something: .*"\$JS.API.STREAM.CREATE.OBJ_netfall-default-evidence"\n.*bucket netfall-default-evidence on .*; until then there is no place for evidence$/s,
    );
    const last = (await early.info()).last;
    const own = await early.append(message('early', { subject: 'netfall.default.host.web-1' }));
    expect(own).toEqual({ sequence: last + 1, duplicate: false });
    expect(await rejection(early.evidence.put('crash/1', [Buffer.from('log')]))).toBe('unavailable');
    await (await open('collector', 'c')).close();
    await early.evidence.put('crash/1', [Buffer.from('log')]);
    expect((await whole(collector.evidence, 'crash/1'))?.toString()).toBe('log');
    await early.close();
  });
});
