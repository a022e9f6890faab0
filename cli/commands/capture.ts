/** `netfall drops capture`: dropped packets into a pcapng file, or into a pipe for tshark. Needs no server. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { arch, release, type } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CaptureCounts,
  CaptureFilter,
  CaptureSession,
  type CaptureSource,
  captureByDropMonitor,
  captureByKfreeSkb,
  FilterError,
  type FilterOptions,
} from '@netfall/agent/capture';
import { probeDropMonitor } from '@netfall/agent/drop-monitor';
import { probeKfreeSkb } from '@netfall/agent/kfree-skb';
import { CommandError } from '../errors.ts';
import { stopSignal } from '../runtime/signals.ts';

interface Options extends FilterOptions {
  /** A file, or `-` for standard output. */
  readonly write: string;
  /** Milliseconds. */
  readonly for?: number;
  readonly count?: number;
  readonly snaplen: number;
  readonly root: string;
  readonly json?: boolean;
  readonly version: string;
}

const POLL_MS = 50;
const SAY_EVERY_MS = 1000;
const STANDARD_OUTPUT = 1;

/** @param wrongUsage says so and ends the command. */
export async function capture(options: Options, wrongUsage: (error: Error) => never): Promise<void> {
  const { root, snaplen: snapLength, count: most, for: forMs = Number.POSITIVE_INFINITY } = options;
  const filter = filterOf(options, wrongUsage);
  const nowUs = () => Date.now() * 1000;
  using source = openSource(filter, snapLength, nowUs, root);
  using output = new Output(options.write);
  const session = new CaptureSession({
    source,
    filter,
    snapLength,
    ...(most !== undefined && { most }),
    section: { hardware: arch(), os: `${type()} ${release()}`, application: `netfall ${options.version}` },
    sink: (bytes) => output.write(bytes),
    nowUs,
  });
  const progress = process.stderr.isTTY && !options.json;
  const signal = stopSignal();
  const began = performance.now();
  let said = began;
  for (;;) {
    const elapsed = performance.now() - began;
    const ends = signal.aborted || elapsed >= forMs;
    session.poll();
    if (ends || session.full || output.closed) break;
    if (progress && performance.now() - said >= SAY_EVERY_MS) {
      said = performance.now();
      process.stderr.write(`\r\x1b[K${summary(session.counts)}, Ctrl-C ends`);
    }
    await sleep(Math.min(POLL_MS, Math.max(0, forMs - elapsed)), undefined, { signal }).catch(() => {});
  }
  session.finish();
  if (progress) process.stderr.write('\r\x1b[K');
  const { counts } = session;
  if (!options.json) process.stderr.write(`${summary(counts)}\n`);
  else if (output.isStandard) process.stderr.write(`${JSON.stringify(counts)}\n`);
  else process.stdout.write(`${JSON.stringify(counts)}\n`);
}

/** Catches by BPF, or by the drop monitor where BPF is not to be had. */
function openSource(
  filter: CaptureFilter,
  snapLength: number,
  nowUs: () => number,
  root: string,
): CaptureSource {
  const bpf = probeKfreeSkb({ root });
  if (bpf.state !== 'unavailable') return captureByKfreeSkb({ filter, snapLength, nowUs, root });
  const monitor = probeDropMonitor({ root, mode: 'packet' });
  if (monitor.state !== 'unavailable') return captureByDropMonitor({ snapLength, root });
  throw new CommandError(
    `drops cannot be captured: ${bpf.missing}: ${bpf.mend}; nor by the drop monitor: ${monitor.missing}: ${monitor.mend}`,
  );
}

function summary({ seen, kept, lost, bytes }: CaptureCounts): string {
  const number = (value: number) => value.toLocaleString('en').replaceAll(',', ' ');
  const rest = seen > kept ? ` of ${number(seen)} seen` : '';
  const missed = lost > 0 ? `, ${number(lost)} lost: the disk, or what reads the pipe, is too slow` : '';
  return `${number(kept)} dropped packet${kept === 1 ? '' : 's'} captured${rest}, ${number(bytes)} bytes${missed}`;
}

function filterOf(options: FilterOptions, wrongUsage: (error: Error) => never): CaptureFilter {
  try {
    return new CaptureFilter(options);
  } catch (error) {
    throw error instanceof FilterError ? wrongUsage(error) : error;
  }
}

/** Where the capture goes. A reader that goes away ends it, as it ends other tools in a pipe. */
class Output {
  closed = false;
  readonly isStandard: boolean;
  readonly #path: string;
  readonly #file: number;

  constructor(path: string) {
    this.isStandard = path === '-';
    this.#path = path;
    if (this.isStandard && process.stdout.isTTY) {
      throw new CommandError(
        'a capture is not for a terminal: pipe it on (| tshark -r -), or give -w FILE.pcapng',
      );
    }
    try {
      this.#file = this.isStandard ? STANDARD_OUTPUT : openSync(path, 'w', 0o600);
    } catch (error) {
      throw new CommandError(`${path} cannot be written: ${messageOf(error)}: give another file`);
    }
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.closed; ) {
      try {
        at += writeSync(this.#file, bytes, at);
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : '';
        if (code === 'EPIPE') this.closed = true;
        // A pipe that is full, and that its reader made non-blocking.
        else if (code === 'EAGAIN') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
        else
          throw new CommandError(
            `${this.#path} cannot be written on: ${messageOf(error)}: what is there is whole`,
          );
      }
    }
  }

  [Symbol.dispose](): void {
    if (!this.isStandard) closeSync(this.#file);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
