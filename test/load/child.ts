/**
 * Runs a load generator as a process of its own, and that process's side: its place (network namespace, CPU)
 * and its answer.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { enterNetworkNamespace, pinToCpu } from '../../agent/kernel/libc.ts';
import type { Sent } from './datagrams.ts';

/** Where a generator runs. */
export interface Place {
  /** A network namespace by its name under /run/netns. Default: that of the caller. */
  readonly namespace?: string | undefined;
  /** The only CPU that it may use. */
  readonly cpu?: number | undefined;
}

export interface Flood {
  readonly process: ChildProcess;
  /** Settles when the process is gone. Rejects with what it printed to stderr. */
  readonly done: Promise<Sent>;
}

/** Starts `script` with an option for each member of `options` that is set. */
export function startFlood(script: string, options: object): Flood {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const child = spawn(process.execPath, [script, ...given.map(([name, value]) => `--${name}=${value}`)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const done = new Promise<Sent>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(JSON.parse(output) as Sent);
      else reject(new Error(`${script} ended with ${signal ?? code}: ${errors.trim()}`));
    });
  });
  return { process: child, done };
}

/** In the child: goes to its place. Threads that Node has started already stay where they are. */
export function takePlace(place: Place): void {
  if (place.cpu !== undefined) pinToCpu(place.cpu);
  if (place.namespace !== undefined) {
    const fd = openSync(`/run/netns/${place.namespace}`, 'r');
    enterNetworkNamespace(fd, place.namespace);
    closeSync(fd);
  }
}

/** In the child: reads a number among the arguments. @throws RangeError */
export function numberOf(name: string, text: string | undefined): number {
  const value = Number(text);
  if (text === undefined || !Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`--${name} must be a whole number, not '${text ?? ''}'`);
  }
  return value;
}
