/**
 * Finds a real nats-server and runs it for tests and benchmarks: JetStream on, loopback only, a store folder of the
 * caller's. It must not know what is stored.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface NatsServerOptions {
  /** Holds the configuration and the store (`dir/jetstream`); made when missing, left behind. */
  readonly dir: string;
  /** Default: one that is free now, kept across restarts. */
  readonly port?: number;
  /** The address that it listens on; the loopback's when absent. */
  readonly host?: string;
  /**
   * True (the default): every write is on the disk before it is acknowledged, about 2 ms each, so that what is
   * acknowledged outlives the machine. False: the server's own default, for benchmarks that fill a stream first.
   */
  readonly syncAlways?: boolean;
  /** More lines for the configuration's top level. */
  readonly config?: string;
  /** More lines for the configuration's `jetstream` block. */
  readonly jetstream?: string;
}

export interface NatsServer {
  readonly url: string;
  readonly port: number;
  /** Where JetStream keeps its files. */
  readonly storeDir: string;
  /** The process id, undefined while the server is down. */
  readonly pid: number | undefined;
  /** Sends a signal; resolves when the process has ended if the signal ends it. */
  kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): Promise<void>;
  /** Ends the server in good order; harmless when it is down. */
  stop(): Promise<void>;
  /** Stops it if it runs, then starts it on the same port and store. */
  restart(): Promise<void>;
}

/** What to put into a suite's name when there is no server to test against. */
export const NATS_SERVER_MISSING =
  'needs nats-server 2.10 or newer on PATH, in /usr/sbin, ~/go/bin or .tools/bin';

// A test whose clean-up failed must not leave servers behind.
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Older servers do not know the setting `sync_interval`. */
const OLDEST = [2, 10, 0];

/** The newest nats-server of PATH, /usr/sbin, ~/go/bin and the checkout's .tools/bin, or null when none is new enough. */
export function findNatsServer(): string | null {
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/sbin',
    join(homedir(), 'go/bin'),
    join(import.meta.dirname, '../.tools/bin'),
  ];
  let newest: { readonly path: string | null; readonly version: readonly number[] } = {
    path: null,
    version: OLDEST,
  };
  for (const path of new Set(folders.map((folder) => join(folder, 'nats-server')))) {
    const version = existsSync(path) ? versionOf(path) : null;
    if (version && compare(version, newest.version) >= 0) newest = { path, version };
  }
  return newest.path;
}

function versionOf(path: string): readonly number[] | null {
  try {
    const match = /v(\d+)\.(\d+)\.(\d+)/.exec(execFileSync(path, ['--version'], { encoding: 'utf8' }));
    return match ? match.slice(1).map(Number) : null;
  } catch {
    return null;
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((part, i) => part !== b[i]);
  return index < 0 ? 0 : a[index]! - b[index]!;
}

/** Starts a server and waits until it takes connections. Throws with its own words when it does not come up. */
export async function startNatsServer(options: NatsServerOptions): Promise<NatsServer> {
  const binary = findNatsServer();
  if (!binary) throw new Error(NATS_SERVER_MISSING);
  const { host = '127.0.0.1' } = options;
  const port = options.port ?? (await freePort());
  const storeDir = join(options.dir, 'jetstream');
  const config = join(options.dir, 'nats-server.conf');
  mkdirSync(storeDir, { recursive: true });
  writeFileSync(
    config,
    [
      `listen: "${host}:${port}"`,
      'jetstream {',
      `  store_dir: "${storeDir}"`,
      (options.syncAlways ?? true) ? '  sync_interval: always' : '',
      options.jetstream ?? '',
      '}',
      options.config ?? '',
    ].join('\n'),
  );
  let child = await launch(binary, config);
  const ended = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await exit;
  };
  return {
    url: `nats://${host}:${port}`,
    port,
    storeDir,
    get pid() {
      return child.exitCode === null && child.signalCode === null ? child.pid : undefined;
    },
    kill: ended,
    stop: () => ended('SIGTERM'),
    async restart() {
      await ended('SIGTERM');
      child = await launch(binary, config);
    },
  };
}

/** Starts servers that form one cluster, each with a folder of its own under `dir`. */
export async function startNatsCluster(dir: string, size: number): Promise<NatsServer[]> {
  const ports = await Promise.all(Array.from({ length: size }, freePort));
  const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(', ');
  return Promise.all(
    ports.map((port, index) => {
      const name = `n${index + 1}`;
      const config = `server_name: ${name}\ncluster { name: c, listen: "127.0.0.1:${port}", routes: [${routes}] }`;
      return startNatsServer({ dir: join(dir, name), config });
    }),
  );
}

function launch(binary: string, config: string): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    running.add(child);
    child.once('exit', () => running.delete(child));
    let said = '';
    const died = () => reject(new Error(`${binary} -c ${config} ended: ${said.slice(-2000)}`));
    child.once('exit', died);
    child.once('error', reject);
    child.stderr.on('data', (chunk: Buffer) => {
      if (said.includes('Server is ready')) return;
      said += chunk.toString();
      if (said.includes('Server is ready')) {
        child.off('exit', died);
        resolve(child);
      }
    });
  });
}

/** A TCP port on loopback that nobody listened on a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address && typeof address === 'object') resolve(address.port);
        else reject(new Error('no port on 127.0.0.1'));
      });
    });
  });
}
