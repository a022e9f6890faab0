/** A bed of the contract's tests on a real NATS server, with a proxy in between where acknowledgements are to be lost. */

import { setTimeout as pause } from 'node:timers/promises';
import { Base64UrlPaddedCodec } from '@nats-io/obj';
import { connect } from '@nats-io/transport-node';
import type { NatsServer } from '../../test/nats-server.ts';
import type { Bed, OpenOptions } from '../contract/bed.ts';
import { openJetStreamLog } from '../jetstream/jetstream-log.ts';
import type { Log } from '../log.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

let beds = 0;

const SUBJECTS = ['netfall.test', 'netfall.test.>'];

export async function jetStreamBed(server: NatsServer, replicas = 1): Promise<Bed> {
  const stream = `BED${++beds}`;
  const logs: Log[] = [];
  const proxies: TcpProxy[] = [];
  let options: OpenOptions = {};
  const openAt = async (port: number, timeoutMs: number) => {
    const servers = [`nats://127.0.0.1:${port}`];
    const log = await openJetStreamLog({
      servers,
      stream,
      subjects: SUBJECTS,
      timeoutMs,
      replicas,
      ...options,
    });
    logs.push(log);
    return log;
  };
  return {
    async open(wanted) {
      if (wanted) options = wanted;
      return openAt(server.port, 5000);
    },
    async openLossy() {
      const proxy = await startTcpProxy(server.port);
      proxies.push(proxy);
      const log = await openAt(proxy.port, 500);
      return {
        log,
        loseAcks() {
          proxy.swallow = () => true;
        },
        async keepAcks() {
          proxy.cut();
          proxy.swallow = () => false;
          while (!(await log.info().catch(() => null))) await pause(20);
        },
      };
    },
    pass: (us) => pause(us / 1000),
    async corruptBlob(store, name) {
      // One more chunk on the object's own chunk subject.
      const nc = await connect({ servers: server.url });
      const bucket = `${stream}-${store}`;
      const meta = `$O.${bucket}.M.${Base64UrlPaddedCodec.encode(name)}`;
      const reply = await nc.request(
        `$JS.API.STREAM.MSG.GET.OBJ_${bucket}`,
        JSON.stringify({ last_by_subj: meta }),
      );
      const stored = reply.json<{ message: { data: string } }>();
      const { nuid } = JSON.parse(Buffer.from(stored.message.data, 'base64').toString());
      await nc.request(`$O.${bucket}.C.${nuid}`, 'more');
      await nc.close();
    },
    async end() {
      await Promise.all(logs.map((log) => log.close()));
      await Promise.all(proxies.map((proxy) => proxy.close()));
      const nc = await connect({ servers: server.url });
      // A server that deletes its last stream may fail to make the next, so there is one that stays.
      await nc.request('$JS.API.STREAM.CREATE.STAYS', JSON.stringify({ name: 'STAYS', subjects: ['stays'] }));
      for (const name of [stream, `OBJ_${stream}-blobs`, `OBJ_${stream}-evidence`]) {
        await nc.request(`$JS.API.STREAM.DELETE.${name}`);
      }
      await nc.close();
    },
  };
}
