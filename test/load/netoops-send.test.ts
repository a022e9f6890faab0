import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { kernelLog } from './kernel-log.ts';
import { netoopsDatagrams, segmentsOf } from './netoops.ts';

const folder = mkdtempSync(join(tmpdir(), 'netoops-send-'));
const log = kernelLog(9, 5000);
const file = join(folder, 'log');
writeFileSync(file, log);
afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: readonly string[], input: Uint8Array = new Uint8Array()): Promise<Outcome> {
  return new Promise((resolve) => {
    const script = join(import.meta.dirname, 'netoops-send.ts');
    const child = execFile(process.execPath, [script, ...args], (error, stdout, stderr) => {
      resolve({ status: error ? Number(error.code) : 0, stdout, stderr });
    });
    // A command that refuses may have ended before it has read anything.
    child.stdin!.on('error', () => {}).end(input);
  });
}

/** Runs the command, and resolves with what it said and the datagrams that `--json` says were sent. */
async function sent(args: readonly string[], input?: Uint8Array) {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  const datagrams: string[] = [];
  const sources = new Set<string>();
  const news = () => new Promise((resolve) => socket.once('message', resolve));
  socket.on('message', (bytes, { address }) => {
    datagrams.push(bytes.toString('hex'));
    sources.add(address);
  });
  try {
    const { status, stdout, stderr } = await run([`--to=127.0.0.1:${port}`, '--json', ...args], input);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const figures = JSON.parse(stdout) as { readonly datagrams: number };
    while (datagrams.length < figures.datagrams) await news();
    return { port, datagrams, sources: [...sources], figures };
  } finally {
    socket.close();
  }
}

const hex = (datagrams: readonly Uint8Array[]) =>
  datagrams.map((bytes) => Buffer.from(bytes).toString('hex'));
const known = ['--kernel=6.1.0-18-amd64', '--seconds=70000'];
const dump = { kernelVersion: '6.1.0-18-amd64', seconds: 70000 };

describe('netoops-send', () => {
  it('sends a file as a dump of version 2', async () => {
    const { port, datagrams, sources, figures } = await sent([
      ...known,
      '--from=127.0.0.9',
      `--file=${file}`,
      '--wrap=1500',
    ]);
    const expected = netoopsDatagrams({ ...dump, segments: segmentsOf(log, 1500), format: { version: 2 } });
    expect(datagrams).toEqual(hex(expected));
    expect(sources).toEqual(['127.0.0.9']);
    expect(figures).toEqual({
      to: `127.0.0.1:${port}`,
      from: '127.0.0.9',
      version: 2,
      soft: false,
      kernel: '6.1.0-18-amd64',
      dumpId: 4464,
      logBytes: 5000,
      pieces: 6,
      repeat: 3,
      datagrams: 18,
      lost: 0,
    });
  });

  it('sends what it is given as a dump of version 3', async () => {
    const { datagrams } = await sent(
      [
        ...known,
        '--file=-',
        '--version=3',
        '--layout=user-blob',
        '--machine=i386',
        '--bootId=77',
        '--soft',
        '--repeat=1',
      ],
      log,
    );
    const format = { version: 3, layout: 'user-blob', machine: 'i386', bootId: 77 } as const;
    const segments = segmentsOf(log, 0);
    expect(datagrams).toEqual(
      hex(netoopsDatagrams({ ...dump, segments, format, soft: true, transmissions: 1 })),
    );
  });

  it('sends a log of its own, the same for the same seed', async () => {
    const { datagrams } = await sent([...known, '--seed=5', '--repeat=1']);
    const segments = segmentsOf(kernelLog(5, 20_000), 0);
    expect(datagrams).toEqual(
      hex(netoopsDatagrams({ ...dump, segments, format: { version: 2 }, transmissions: 1 })),
    );
  });

  it('loses and shuffles, the same for the same seed', async () => {
    const options = [...known, `--file=${file}`, '--repeat=10', '--lose=0.5', '--shuffle'];
    const one = await sent([...options, '--seed=3']);
    const again = await sent([...options, '--seed=3']);
    const other = await sent([...options, '--seed=4']);
    expect(again.datagrams).toEqual(one.datagrams);
    expect(other.datagrams).not.toEqual(one.datagrams);
    const { datagrams, lost } = { lost: 0, ...one.figures };
    expect(datagrams).toBe(one.datagrams.length);
    expect(datagrams + lost).toBe(50);
    expect(lost).toBeGreaterThan(10);
    const format = { version: 2 } as const;
    const all = hex(netoopsDatagrams({ ...dump, segments: segmentsOf(log, 0), format, transmissions: 1 }));
    expect(new Set(all)).toEqual(new Set(one.datagrams));
    const numbers = one.datagrams.map((datagram) => all.indexOf(datagram));
    expect(numbers).not.toEqual(Array.from(numbers, (_, i) => i % 5));
  });

  it('says in a sentence what it sent', async () => {
    const { stdout } = await run([...known, '--to=127.0.0.1:9', `--file=${file}`]);
    expect(stdout).toBe(
      '127.0.0.1:9: dump 4464 of 6.1.0-18-amd64, 5000 bytes of log in 5 pieces; 15 datagrams of version 2 sent, 0 lost on purpose\n',
    );
  });

  it.each([
    [[], 2, '--to=HOST[:PORT] must say where to send, by name or IPv4 address'],
    [['--to=::1'], 2, '--to=HOST[:PORT] must say where to send, by name or IPv4 address'],
    [['--to=127.0.0.1:0'], 2, '--to: 0 is no whole number from 1 to 65535'],
    [['--to=127.0.0.1', '--from=here'], 2, '--from=here is no IPv4 address'],
    [['--to=127.0.0.1', '--version=1'], 2, '--version=1 is neither 2 nor 3'],
    [['--to=127.0.0.1', '--layout=plain'], 2, '--layout, --machine and --bootId are of --version=3'],
    [
      ['--to=127.0.0.1', '--version=3', '--layout=odd'],
      2,
      '--layout=odd is none of plain, boot-id, user-blob',
    ],
    [['--to=127.0.0.1', '--version=3', '--machine=arm'], 2, '--machine=arm is neither x86_64 nor i386'],
    [['--to=127.0.0.1', '--wrap=20001'], 2, '--wrap=20001 is more than the log has, 20000 bytes'],
    [['--to=127.0.0.1', '--lose=1.5'], 2, '--lose=1.5 is no number from 0 to 1'],
    [['--to=127.0.0.1', '--repeat=101'], 2, '--repeat: 101 is no whole number from 1 to 100'],
    [['--to=127.0.0.1', '--odd'], 2, "Unknown option '--odd'"],
    [['--to=127.0.0.1', '--file=/none'], 1, "ENOENT: no such file or directory, open '/none'"],
    [
      ['--to=127.0.0.1', '--file=/dev/zero'],
      1,
      'the log has more than 16777216 bytes: send its end, as by tail -c 1M',
    ],
  ] as const)('refuses %j', async (args, status, why) => {
    expect(await run(args)).toEqual({ status, stdout: '', stderr: `netfall: ${why}\n` });
  });
});
