import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isMissing, run } from '../../agent/capture/testing/wireshark.ts';
import { Namespace } from '../load/namespace.ts';
import { eventually, Netfall } from '../processes/netfall.ts';

const root = process.getuid?.() === 0;
const missing = root ? (isMissing('tshark') ? 'needs tshark' : '') : 'needs root';

/** Sends by way of a closed port what the lines say: `udp4 127.0.0.1 9 5353 hello` from port 5353, or `tcp4 127.0.0.1 81`. */
const SEND = `
  const { createSocket } = require('node:dgram');
  const { connect } = require('node:net');
  for (const line of process.argv.slice(1)) {
    const [kind, host, port, from, text] = line.split(' ');
    if (kind.startsWith('tcp')) {
      connect({ host, port: Number(port) }).on('error', () => {});
      continue;
    }
    const socket = createSocket(kind);
    socket.bind(Number(from), () => socket.send(text, Number(port), host, () => socket.close()));
  }`;

describe.skipIf(missing !== '')(
  missing ? `netfall drops capture (${missing})` : 'netfall drops capture',
  () => {
    let dir: string;
    let file: string;
    let namespace: Namespace;
    beforeEach(() => {
      dir = mkdtempSync(join(tmpdir(), 'netfall-capture-'));
      file = join(dir, 'drops.pcapng');
      namespace = new Namespace('netfall-capture');
    });
    afterEach(() => {
      namespace[Symbol.dispose]();
      rmSync(dir, { recursive: true });
    });

    function send(...lines: string[]): void {
      const args = ['netns', 'exec', namespace.name, process.execPath, '-e', SEND, ...lines];
      expect(spawnSync('ip', args).status).toBe(0);
    }

    /** Runs a capture while packets are sent, and ends it. Returns its summary. */
    async function captured(options: readonly string[], ...lines: string[]) {
      const netfall = new Netfall(['drops', 'capture', '-w', file, '--json', ...options]);
      try {
        // The file's beginning is written once drops are caught.
        await eventually(async () => readFileSync(file).length > 0, 20_000);
        send(...lines);
        expect(await netfall.kill('SIGINT')).toBe(0);
        return JSON.parse(netfall.stdout);
      } finally {
        await netfall.kill('SIGKILL');
      }
    }

    const fields = (...names: string[]) =>
      run('tshark', ['-r', file, '-T', 'fields', ...names.flatMap((name) => ['-e', name])]).map((line) =>
        line.split('\t'),
      );

    test('tshark reads in it what was sent, and why it was dropped', async () => {
      const summary = await captured(
        ['--reason', 'NO_SOCKET', '--address', '127.0.0.1,::1', '--port', '81,7777,7778'],
        'udp4 127.0.0.1 7777 5353 hello',
        'udp6 ::1 7778 5354 there',
        'tcp4 127.0.0.1 81',
        'udp4 127.0.0.1 9 5355 other',
      );
      const rows = fields(
        'frame.interface_name',
        'ip.src',
        'ipv6.dst',
        'udp.srcport',
        'udp.dstport',
        'udp.payload',
        'tcp.dstport',
        'tcp.flags.syn',
        'frame.comment',
      );
      const hex = (text: string) => Buffer.from(text).toString('hex');
      const [name] = rows[0]!;
      expect(name).toBe(`#1 (netns ${namespace.name})`);
      expect(rows.map((row) => row.slice(1, 8).join(' '))).toEqual(
        expect.arrayContaining([
          `127.0.0.1  5353 7777 ${hex('hello')}  `,
          ` ::1 5354 7778 ${hex('there')}  `,
          '127.0.0.1     81 1',
        ]),
      );
      expect(rows).toHaveLength(summary.kept);
      for (const row of rows) {
        expect(row[8]).toMatch(
          /^reason=NO_SOCKET,function=(__udp4_lib_rcv|__udp6_lib_rcv|tcp_v4_rcv)\+0x[0-9a-f]+,/,
        );
      }
      expect(summary).toMatchObject({ lost: 0 });
    });

    test('goes through a pipe into tshark, and ends at as many packets as were asked for', async () => {
      const cli = join(import.meta.dirname, '../../cli/bin/netfall');
      const command = `${cli} drops capture -w - -c 2 --protocol udp --port 7779 | tshark -l -r - -T fields -e udp.payload`;
      const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'ignore'] });
      let output = '';
      child.stdout.on('data', (text) => {
        output += String(text);
      });
      const closed = once(child, 'close');
      let sent = 0;
      // It begins when it begins: packets are sent until two of them were caught.
      while (child.exitCode === null && sent < 100) {
        send(`udp4 127.0.0.1 7779 0 ping`);
        sent++;
      }
      await closed;
      expect(output.trim().split('\n')).toEqual(Array(2).fill(Buffer.from('ping').toString('hex')));
    });

    test('cuts packets, and says how long they were', async () => {
      await captured(
        ['-s', '60', '--port', '7780'],
        `udp4 127.0.0.1 7780 5356 ${'x'.repeat(1000)}`,
        'udp4 127.0.0.1 7780 5357 y',
      );
      const rows = fields('frame.len', 'frame.cap_len', 'udp.length');
      expect(rows.toSorted()).toEqual([
        ['1042', '60', '1008'],
        ['43', '43', '9'],
      ]);
    });

    test('wrong usage is said before anything is opened', () => {
      const cli = join(import.meta.dirname, '../../cli/bin/netfall');
      const outcome = (...args: string[]) => {
        const { status, stderr } = spawnSync(cli, ['drops', 'capture', ...args], { encoding: 'utf8' });
        return [status, stderr.trim()];
      };
      expect(outcome('-w', file, '--port', 'x')).toEqual([
        2,
        'netfall: --port: "x" is no port: give ones up to 65535 like 53, or ranges like 8000-8999',
      ]);
      expect(outcome('-w', file, '-s', '3')[0]).toBe(2);
      expect(outcome()[1]).toContain("required option '-w, --write <file>' not specified");
      expect(outcome('-w', '/nowhere/x.pcapng')).toEqual([
        1,
        expect.stringMatching(
          /^netfall: \/nowhere\/x.pcapng cannot be written: ENOENT.*: give another file$/,
        ),
      ]);
    });
  },
);
