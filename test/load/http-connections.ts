/**
 * Healthy traffic: so many HTTP requests a second over loopback, each on a connection of its own.
 *
 *   node test/load/http-connections.ts --rate=2000 --seconds=60
 *
 * Prints `{"asked","answered","failed"}`. The server runs on a thread of its own.
 */
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

const TICK_MS = 10;
const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';

if (isMainThread) await ask();
else serve();

function serve(): void {
  const server = createServer((_request, response) => {
    response.end('well\n');
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
    parentPort?.postMessage((server.address() as AddressInfo).port);
  });
}

async function ask(): Promise<void> {
  const { values } = parseArgs({
    options: { rate: { type: 'string', default: '2000' }, seconds: { type: 'string', default: '60' } },
  });
  const total = Number(values.rate) * Number(values.seconds);
  const perTick = (Number(values.rate) * TICK_MS) / 1000;
  const server = new Worker(new URL(import.meta.url));
  const port = await new Promise<number>((resolve) => {
    server.once('message', resolve);
  });
  let asked = 0;
  let answered = 0;
  let failed = 0;
  await new Promise<void>((resolve) => {
    const began = performance.now();
    const settle = () => {
      if (answered + failed === total) resolve();
    };
    const timer = setInterval(() => {
      const due = Math.min(total, Math.round(((performance.now() - began) / TICK_MS) * perTick));
      for (; asked < due; asked++) {
        const socket = connect({ port, host: '127.0.0.1' });
        let text = '';
        socket.setEncoding('latin1').on('data', (chunk: string) => {
          text += chunk;
        });
        socket.on('error', () => {});
        socket.on('close', () => {
          if (text.endsWith('well\n')) answered++;
          else failed++;
          settle();
        });
        socket.write(REQUEST);
      }
      if (asked === total) clearInterval(timer);
    }, TICK_MS);
  });
  console.log(JSON.stringify({ asked, answered, failed }));
  await server.terminate();
}
