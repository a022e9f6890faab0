/** Runs the real program for tests, through its launcher. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

export const launcher = join(import.meta.dirname, '../cli/bin/netfall');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly process: ChildProcess;
  /** What it printed so far. */
  stdout(): string;
  /** Resolves with the first match on stdout; rejects when the program ends without one. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<Ended>;
}

/** Starts `command`, by default the launcher, with `args` and nothing on stdin. */
export function start(args: readonly string[], env: NodeJS.ProcessEnv = {}, command = launcher): Running {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '', NETFALL_API: undefined, ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  const printed = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(stdout);
        if (match) resolve(match);
      };
      child.stdout.on('data', look);
      look();
      ended.then(() => reject(new Error(`it ended without printing ${pattern}: ${stdout}${stderr}`)), reject);
    });
  return { process: child, stdout: () => stdout, printed, ended };
}

/** Runs it to its end. */
export function run(...args: readonly string[]): Promise<Ended> {
  return start(args).ended;
}
