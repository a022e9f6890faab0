/** Runs the real program for tests, as people do: through its launcher, as a process of its own. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';

export const launcher = join(import.meta.dirname, '../../cli/bin/netfall');

export interface NetfallOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** What to run instead of the launcher. */
  readonly command?: string;
  /** A program in TypeScript to run instead, under this Node. */
  readonly program?: string;
}

export interface Ended {
  /** Its exit code, or the signal that it died of. */
  readonly code: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running command, what it has printed, and its end. */
export class Netfall {
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting = new Set<() => void>();
  #closed = false;

  constructor(args: readonly string[], { env, command = launcher, program }: NetfallOptions = {}) {
    const [file, ...before] = program === undefined ? [command] : [process.execPath, program];
    this.#child = spawn(file, [...before, ...args], {
      env: { ...process.env, NO_COLOR: '1', NETFALL_API: undefined, ...env },
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      for (const look of this.#waiting) look();
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      for (const look of this.#waiting) look();
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => {
        this.#closed = true;
        resolve({ code: signal ?? code ?? 1, stdout: this.stdout, stderr: this.stderr });
        for (const look of this.#waiting) look();
      });
    });
  }

  /** Its process: a launcher that execs stays the same one. */
  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** The whole lines of its standard output. */
  get lines(): string[] {
    return this.stdout.split('\n').slice(0, -1);
  }

  /** The first whole line of either output that matches, printed already or yet to come. Rejects when the process ends or time runs out. */
  line(pattern: RegExp, withinMs = 30_000): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        finish();
        reject(new Error(`${why} before ${pattern} was printed:\n${this.stdout}\n${this.stderr}`));
      };
      const look = () => {
        for (const line of [...this.lines, ...this.stderr.split('\n').slice(0, -1)]) {
          const match = pattern.exec(line);
          if (!match) continue;
          finish();
          resolve(match);
          return;
        }
        if (this.#closed) fail('it ended');
      };
      const timeout = setTimeout(() => fail(`${withinMs} ms passed`), withinMs);
      const finish = () => {
        clearTimeout(timeout);
        this.#waiting.delete(look);
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Writes a line to its standard input. */
  say(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Sends a signal and waits for the end. */
  async kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended['code']> {
    this.#child.kill(signal);
    return (await this.ended).code;
  }
}

/** Runs it to its end. */
export function run(...args: readonly string[]): Promise<Ended> {
  return new Netfall(args).ended;
}

/** Polls until `look` gives something; rejects with what it last was not. */
export async function eventually<T>(
  look: () => Promise<T | null | undefined | false>,
  withinMs: number,
): Promise<T> {
  const until = performance.now() + withinMs;
  let last: unknown = null;
  for (;;) {
    try {
      const found = await look();
      if (found) return found;
    } catch (error) {
      last = error;
    }
    if (performance.now() > until) {
      throw new Error(`not within ${withinMs} ms: ${look}`, { cause: last });
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
