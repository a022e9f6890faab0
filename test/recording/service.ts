/**
 * What runs on a host of a recording: services that answer, a reader that may be slow, and senders. It takes commands, one
 * JSON object a line of standard input, and must not know which of them are faults.
 *
 *   node test/recording/service.ts ADDRESS
 */
import { createSocket, type Socket } from 'node:dgram';
import { connect, createServer, type Socket as Stream } from 'node:net';
import { createInterface } from 'node:readline';

export const PORT = { echo: 7000, stream: 7001, ingest: 7002, closed: 7999 } as const;

export type Command =
  /** Datagrams of so many bytes to each of these addresses, so many a second, from `sockets` ports in turn. */
  | {
      readonly do: 'send';
      readonly id: string;
      readonly to: readonly string[];
      readonly port: number;
      readonly rate: number;
      readonly bytes: number;
      readonly sockets?: number;
    }
  /** Ends what was begun under the id. */
  | { readonly do: 'stop'; readonly id: string }
  /** A connection to each of these, and a small request every second. */
  | { readonly do: 'talk'; readonly to: readonly string[] }
  /** Of every second, the process is busy for so many milliseconds; 0 for none. */
  | { readonly do: 'stall'; readonly ms: number };

const TICK_MS = 50;
/** What a slow reader has room for. */
const INGEST_BUFFER = 16 * 1024;
/** Datagrams a tick and flow: after a pause what was not sent is not made up for. */
const MOST_A_TICK = 60;

interface Flow {
  readonly command: Extract<Command, { do: 'send' }>;
  readonly sockets: readonly Socket[];
  readonly payload: Buffer;
  owed: number;
  turn: number;
}

if (import.meta.main) run(process.argv[2] ?? '');

function run(address: string): void {
  const flows = new Map<string, Flow>();
  const echo = open();
  echo.on('message', (message, from) => echo.send(message.subarray(0, 64), from.port, from.address));
  echo.bind(PORT.echo, address);
  const ingest = open();
  ingest.bind(PORT.ingest, address, () => ingest.setRecvBufferSize(INGEST_BUFFER));
  createServer((stream) => stream.on('error', () => {}).pipe(stream)).listen(PORT.stream, address);

  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    const seconds = (now - last) / 1000;
    last = now;
    for (const flow of flows.values()) pump(flow, seconds);
  }, TICK_MS);

  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  let stalling: NodeJS.Timeout | undefined;
  const commands: { [K in Command['do']]: (command: Extract<Command, { do: K }>) => void } = {
    send: (command) => {
      const sockets = Array.from({ length: command.sockets ?? 1 }, open);
      flows.set(command.id, { command, sockets, payload: Buffer.alloc(command.bytes), owed: 0, turn: 0 });
    },
    stop: ({ id }) => {
      for (const socket of flows.get(id)?.sockets ?? []) socket.close();
      flows.delete(id);
    },
    talk: ({ to }) => {
      for (const peer of to) talk(peer);
    },
    stall: ({ ms }) => {
      clearInterval(stalling);
      if (ms > 0) stalling = setInterval(() => Atomics.wait(sleeper, 0, 0, ms), 1000);
    },
  };
  createInterface(process.stdin).on('line', (line) => {
    const command: Command = JSON.parse(line);
    (commands[command.do] as (command: Command) => void)(command);
  });
  process.stdin.on('end', () => process.exit());
  console.log('ready');
}

/** A socket whose errors are the network's, which is what is looked at. */
function open(): Socket {
  return createSocket('udp4').on('error', () => {});
}

function pump(flow: Flow, seconds: number): void {
  const { to, port, rate } = flow.command;
  flow.owed = Math.min(flow.owed + rate * seconds * to.length, MOST_A_TICK);
  for (; flow.owed >= 1; flow.owed--) {
    const turn = flow.turn++;
    const socket = flow.sockets[turn % flow.sockets.length]!;
    socket.send(flow.payload, port, to[turn % to.length]!, () => {});
  }
}

/** Keeps a connection up: what breaks is made anew after a while. */
function talk(peer: string): void {
  const stream: Stream = connect(PORT.stream, peer);
  const asking = setInterval(() => stream.write('x'.repeat(200)), 1000);
  stream.on('error', () => {}).resume();
  stream.on('close', () => {
    clearInterval(asking);
    setTimeout(() => talk(peer), 5000);
  });
}
