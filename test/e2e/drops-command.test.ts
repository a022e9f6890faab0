/** `netfall drops` as people and programs call it, on the running kernel. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { probeKfreeSkb } from '@netfall/agent/kfree-skb';
import { describe, expect, it } from 'vitest';
import { udpFlood } from '../load/udp-flood.ts';
import { launcher, Netfall, run } from '../processes/netfall.ts';

const root = process.getuid?.() === 0;
const counts = probeKfreeSkb().state !== 'unavailable';

interface Line {
  readonly reason: string;
  readonly function: string;
  readonly protocol: string;
  readonly events: number;
  readonly packets: number;
  readonly bytes: number;
  readonly rate: number;
}

/** Datagrams over IPv6 to a port where nothing listens: seldom seen otherwise, so that they can be counted exactly. */
const flood = (count: number) =>
  udpFlood({ host: '::1', port: 9, count, ratePerSecond: 5000, payloadBytes: 52 }).done;

describe.skipIf(!counts)('netfall drops (needs CAP_BPF and CAP_PERFMON)', () => {
  it('counts every drop of the window, a line a kind, and ends with the ledger', async () => {
    const child = new Netfall(['drops', '--for', '4s', '--json']);
    await sleep(1500);
    const { sent } = await flood(3000);
    const { code, stdout, stderr } = await child.ended;
    expect([code, stderr, sent]).toEqual([0, '', 3000]);
    const documents = stdout
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text));
    const lines: Line[] = documents.slice(0, -1);
    const ours = lines.filter(({ reason, protocol }) => reason === 'NO_SOCKET' && protocol === 'IPv6');
    const [line] = ours;
    expect(ours).toHaveLength(1);
    expect(line).toMatchObject({
      function: expect.stringMatching(/^\w*udp6?_\w+$/),
      events: 3000,
      packets: 3000,
      sample: {
        interface: 'lo',
        namespace: '',
        length: 14 + 40 + 8 + 52,
        flows: [{ source: '::1', destination: '::1', protocol: 'UDP', destination_port: 9 }],
      },
    });
    expect(line?.rate).toBeGreaterThan(3000 / 6);
    expect(line?.rate).toBeLessThanOrEqual(3000 / 4);
    const { ledger } = documents.at(-1);
    const named = lines.reduce((sum, { events }) => sum + events, 0);
    expect(Object.keys(documents.at(-1))).toEqual(['ledger', 'audit']);
    const { explained } = documents.at(-1).audit;
    const counted = explained.filter(({ counter }: { counter: string }) => counter === 'Udp6NoPorts');
    expect(counted).toEqual([
      {
        reason: 'NO_SOCKET',
        function: line?.function,
        protocol: 'IPv6',
        counter: 'Udp6NoPorts',
        events: 3000,
      },
    ]);
    expect(ledger.seen).toBe(named + ledger.lost);
    expect(lines.map(({ events }) => events)).toEqual(
      lines.map(({ events }) => events).sort((a, b) => b - a),
    );
  });

  it('prints one table where no terminal is', async () => {
    const child = new Netfall(['drops', '--for', '3s']);
    await sleep(1200);
    await flood(500);
    const { code, stdout } = await child.ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Drops on \S+ {3}0:03 {3}/);
    expect(stdout).toMatch(/^NO_SOCKET +\S+ +IPv6 +\S+ +500 .*\n {2}\[::1\]:\d+ > \[::1\]:9 UDP · lo$/m);
    expect(stdout).toMatch(/^seen \S+ {3}lost 0 {3}complete 100 %$/m);
    expect(stdout).toMatch(/^audit: \S+ % of losses counted by the kernel's counters too/m);
    expect(stdout).not.toContain('\x1b');
  });

  it('draws on a terminal until q is pressed, and leaves the last table behind', async () => {
    const command = `stty cols 100 rows 20; exec ${launcher} drops`;
    const terminal = spawn('script', ['-qec', command, '/dev/null'], {
      env: { ...process.env, TERM: 'xterm' },
    });
    let output = '';
    terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    const ended = new Promise<number | null>((resolve) => terminal.once('close', resolve));
    while (!output.includes('LAST 60 s')) await sleep(50);
    await flood(500);
    while (!/NO_SOCKET +\S+ +IPv6/.test(output)) await sleep(50);
    terminal.stdin.write('q');
    expect(await ended).toBe(0);
    const left = output.indexOf('\x1b[?1049l');
    expect(output.indexOf('\x1b[?1049h')).toBeGreaterThanOrEqual(0);
    expect(left).toBeGreaterThan(output.indexOf('\x1b[?1049h'));
    expect(output.slice(left)).not.toContain('q quits');
    const last = stripVTControlCharacters(output.slice(left)).replaceAll('\r', '');
    expect(last).toMatch(/^NO_SOCKET +\S+ +IPv6 +\S+ +500 /m);
    for (const line of last.split('\n')) expect([...line].length).toBeLessThanOrEqual(100);
  });
});

describe.skipIf(!root)('netfall drops without privileges (needs root to give them up)', () => {
  it('says which it lacks, and the mend', async () => {
    const drop = ['--bounding-set', '-all', '--inh-caps', '-all', '--', launcher, 'drops', '--for', '1s'];
    const { code, stdout, stderr } = await new Netfall(drop, { command: 'setpriv' }).ended;
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /^netfall: drops cannot be counted: CAP_BPF and CAP_PERFMON not held, and .*: docker run --cap-add=BPF .*\n$/,
    );
  });
});

it('explains itself', async () => {
  expect((await run('drops', '--help')).stdout).toContain('--for <duration>');
});
