/** Runs `netfall` as people do, as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

const MAIN = join(import.meta.dirname, '../../cli/main.ts');

export interface NetfallOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What to run instead of the CLI. */
  readonly program?: string;
}

/** A running command, the lines it has printed, and its end. */
export class Netfall {
  /** Its standard output, by lines. */
  readonly lines: string[] = [];
  readonly #errors: string[] = [];
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();

  constructor(args: readonly string[], { env = {}, program = MAIN }: NetfallOptions = {}) {
    this.#child = spawn(process.execPath, [program, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...env },
    });
    const { stdout, stderr } = this.#child;
    if (!stdout || !stderr) throw new Error('the process has no output');
    const collect = (from: Readable, into: string[]) => {
      createInterface({ input: from }).on('line', (line) => {
        into.push(line);
        for (const look of this.#waiting) look();
      });
    };
    collect(stdout, this.lines);
    collect(stderr, this.#errors);
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        resolve(signal ?? code ?? 1);
        for (const look of this.#waiting) look();
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Its standard error. */
  get errors(): string {
    return this.#errors.join('\n');
  }

  /** The first line of either output that matches, printed already or yet to come. Rejects when the process ends or time runs out. */
  line(pattern: RegExp, withinMs = 30_000): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        finish();
        reject(new Error(`${why} before ${pattern} was printed:\n${this.lines.join('\n')}\n${this.errors}`));
      };
      const look = () => {
        for (const line of [...this.lines, ...this.#errors]) {
          const match = pattern.exec(line);
          if (!match) continue;
          finish();
          resolve(match);
          return;
        }
        if (this.#child.exitCode !== null || this.#child.signalCode !== null) fail('it ended');
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
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Sends a signal and waits for the end. */
  async kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    this.#child.kill(signal);
    return this.ended;
  }
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
