/**
 * Sends a log as a dying host's netoops driver would.
 *
 *   node test/load/netoops-send.ts --to=HOST[:PORT] [--from=ADDRESS] [--version=2|3] [--layout=plain|boot-id|user-blob]
 *     [--machine=x86_64|i386] [--file=LOG|-] [--wrap=BYTES] [--soft] [--kernel=RELEASE] [--seconds=N] [--bootId=N]
 *     [--lose=P] [--shuffle] [--seed=S] [--repeat=3] [--json]
 *
 * Without --file a log that ends with a panic is made up. Prints what was sent, with --json as one line for programs. Exits
 * 1 when it could not be sent and 2 for a command that makes no sense. docs/netoops-sender.md.
 */

import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { createReadStream } from 'node:fs';
import { isIPv4 } from 'node:net';
import { release, uptime } from 'node:os';
import { parseArgs } from 'node:util';
import { Random } from '../fuzz/random.ts';
import { kernelLog } from './kernel-log.ts';
import {
  type Format,
  LAYOUTS,
  NETOOPS_PORT,
  netoopsDatagrams,
  segmentsOf,
  TRANSMISSIONS,
} from './netoops.ts';

const MOST_LOG_BYTES = 16 * 1024 ** 2;
const SAMPLE_BYTES = 20_000;
const MOST_REPEATS = 100;

/** A command that makes no sense. */
class UsageError extends Error {
  override readonly name = 'UsageError';
}

interface Command {
  readonly host: string;
  readonly port: number;
  readonly from: string | undefined;
  readonly format: Format;
  readonly file: string | undefined;
  readonly wrap: number;
  readonly soft: boolean;
  readonly kernel: string;
  readonly seconds: number;
  /** The part of the datagrams that is not sent, 0 to 1. */
  readonly lose: number;
  readonly shuffle: boolean;
  readonly seed: number;
  readonly repeat: number;
  readonly json: boolean;
}

function readCommand(): Command {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: {
      to: text,
      from: text,
      version: { ...text, default: '2' },
      layout: text,
      machine: text,
      file: text,
      wrap: { ...text, default: '0' },
      soft: flag,
      kernel: { ...text, default: release() },
      seconds: { ...text, default: String(Math.floor(uptime())) },
      bootId: text,
      lose: { ...text, default: '0' },
      shuffle: flag,
      seed: { ...text, default: '1' },
      repeat: { ...text, default: String(TRANSMISSIONS) },
      json: flag,
    },
  });
  const [, host = '', port] = /^([^\s:]+)(?::(\d+))?$/.exec(values.to ?? '') ?? [];
  if (host === '') throw new UsageError('--to=HOST[:PORT] must say where to send, by name or IPv4 address');
  if (values.from !== undefined && !isIPv4(values.from))
    throw new UsageError(`--from=${values.from} is no IPv4 address`);
  return {
    host,
    port: port === undefined ? NETOOPS_PORT : wholeNumber('to', port, 1, 65535),
    from: values.from,
    format: formatOf(values),
    file: values.file,
    wrap: wholeNumber('wrap', values.wrap, 0, MOST_LOG_BYTES),
    soft: values.soft,
    kernel: values.kernel,
    seconds: wholeNumber('seconds', values.seconds, 0, Number.MAX_SAFE_INTEGER),
    lose: share('lose', values.lose),
    shuffle: values.shuffle,
    seed: wholeNumber('seed', values.seed, 0, 2 ** 32 - 1),
    repeat: wholeNumber('repeat', values.repeat, 1, MOST_REPEATS),
    json: values.json,
  };
}

function formatOf(values: {
  readonly version: string;
  readonly layout?: string;
  readonly machine?: string;
  readonly bootId?: string;
}): Format {
  const { version, layout: layoutName = 'boot-id', machine = 'x86_64', bootId = '0' } = values;
  if (version === '2') {
    const given = [values.layout, values.machine, values.bootId].some((value) => value !== undefined);
    if (given) throw new UsageError('--layout, --machine and --bootId are of --version=3');
    return { version: 2 };
  }
  if (version !== '3') throw new UsageError(`--version=${version} is neither 2 nor 3`);
  const layout = LAYOUTS.find((name) => name === layoutName);
  if (layout === undefined) throw new UsageError(`--layout=${layoutName} is none of ${LAYOUTS.join(', ')}`);
  if (machine !== 'x86_64' && machine !== 'i386')
    throw new UsageError(`--machine=${machine} is neither x86_64 nor i386`);
  return { version: 3, layout, machine, bootId: wholeNumber('bootId', bootId, 0, 2 ** 32 - 1) };
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  throw new UsageError(`--${option}: ${text} is no whole number from ${least} to ${most}`);
}

function share(option: string, text: string): number {
  const number = Number(text);
  if (text !== '' && number >= 0 && number <= 1) return number;
  throw new UsageError(`--${option}=${text} is no number from 0 to 1`);
}

/** @throws Error when there is more of it than is sent */
async function readLog({ file, seed }: Command): Promise<Uint8Array> {
  if (file === undefined) return kernelLog(seed, SAMPLE_BYTES);
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of file === '-' ? process.stdin : createReadStream(file)) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > MOST_LOG_BYTES)
      throw new Error(`the log has more than ${MOST_LOG_BYTES} bytes: send its end, as by tail -c 1M`);
  }
  return Buffer.concat(pieces);
}

/** In place, every order being as likely as any other. */
function shuffle(datagrams: Uint8Array[], random: Random): void {
  for (let i = datagrams.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [datagrams[i], datagrams[j]] = [datagrams[j]!, datagrams[i]!];
  }
}

/** Sends them one after another, without waiting in between, as the driver does. */
async function send(datagrams: readonly Uint8Array[], { host, port, from }: Command): Promise<void> {
  const { address } = await lookup(host, { family: 4 });
  const socket = createSocket('udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject).bind(0, from, resolve);
    });
    for (const datagram of datagrams) {
      await new Promise<void>((resolve, reject) => {
        socket.send(datagram, port, address, (error) => (error ? reject(error) : resolve()));
      });
    }
  } finally {
    socket.close();
  }
}

async function main(): Promise<void> {
  const command = readCommand();
  const { host, port, from, format, kernel, seconds, soft, lose, repeat } = command;
  const log = await readLog(command);
  if (command.wrap > log.length)
    throw new UsageError(`--wrap=${command.wrap} is more than the log has, ${log.length} bytes`);
  const all = netoopsDatagrams({
    segments: segmentsOf(log, command.wrap),
    kernelVersion: kernel,
    seconds,
    soft,
    format,
    transmissions: repeat,
  });
  const random = new Random();
  random.begin(command.seed, 0);
  const sent = all.filter(() => random.next() / 2 ** 32 >= lose);
  if (command.shuffle) shuffle(sent, random);
  await send(sent, command);

  const figures = {
    to: `${host}:${port}`,
    ...(from === undefined ? {} : { from }),
    ...format,
    soft,
    kernel,
    dumpId: seconds & 0xffff,
    logBytes: log.length,
    pieces: all.length / repeat,
    repeat,
    datagrams: sent.length,
    lost: all.length - sent.length,
  };
  if (command.json) console.log(JSON.stringify(figures));
  else
    console.log(
      `${figures.to}: dump ${figures.dumpId} of ${kernel}, ${log.length} bytes of log in ${figures.pieces} pieces; ` +
        `${figures.datagrams} datagrams of version ${format.version} sent, ${figures.lost} lost on purpose`,
    );
}

try {
  await main();
} catch (error) {
  console.error(`netfall: ${error instanceof Error ? error.message : error}`);
  process.exitCode = error instanceof UsageError || isParseError(error) ? 2 : 1;
}

/** What parseArgs() throws. */
function isParseError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}
