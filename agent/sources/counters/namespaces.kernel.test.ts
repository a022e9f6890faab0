/** Counters of other network namespaces, on the running kernel. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Namespace } from '../../../test/load/namespace.ts';
import { udpFlood } from '../../../test/load/udp-flood.ts';
import { FileBuffer } from './files.ts';
import { NamespaceReader } from './namespaces.ts';
import { NOWHERE } from './reader.ts';

const root = process.getuid?.() === 0;

describe.skipIf(!root)('counters of other namespaces (needs root and iproute2)', () => {
  let lived: Namespace;
  let empty: Namespace;
  let resident: ChildProcess;

  beforeEach(async () => {
    lived = new Namespace('netfall-lived');
    empty = new Namespace('netfall-empty');
    const there = ['netns', 'exec', lived.name, 'sh', '-c', 'echo here; exec sleep 60'];
    resident = spawn('ip', there, { stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise((resolve) => resident.stdout?.once('data', resolve));
  });

  afterEach(() => {
    resident.kill('SIGKILL');
    for (const each of [lived, empty]) each[Symbol.dispose]();
  });

  const flood = async (namespace: Namespace, count: number) => {
    const to = { host: '127.0.0.1', port: 9, namespace: namespace.name };
    expect((await udpFlood({ ...to, count }).done).sent).toBe(count);
  };

  it("are reported under the namespace's name, whether a process is in it or not", async () => {
    const reader = new NamespaceReader('/', new FileBuffer(), () => 0);
    const read = () => {
      const counted = new Map<string, number>();
      reader.read({
        drop() {},
        counter: (name, _, delta, namespace = '') => counted.set(`${namespace} ${name}`, delta),
        wantsSample: () => false,
        sample() {},
        loss() {},
      });
      return counted;
    };
    read();
    await flood(lived, 17);
    await flood(empty, 23);
    const counted = read();
    expect(counted.get(`netns ${lived.name} UdpNoPorts`)).toBe(17);
    expect(counted.get(`netns ${empty.name} UdpNoPorts`)).toBe(23);
    // Only what counts losses.
    expect([...counted.keys()].filter((key) => / (UdpOutDatagrams|IpInReceives)$/.test(key))).toEqual([]);
    reader.close();
    // The way back was found.
    expect(execFileSync('readlink', ['/proc/self/ns/net'])).toEqual(
      execFileSync('readlink', [`/proc/${process.ppid}/ns/net`]),
    );
  });

  it('are read although there are files that stand for no namespace', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'netfall-namespaces-'));
    mkdirSync(join(folder, 'run/netns'), { recursive: true });
    writeFileSync(join(folder, 'run/netns/left'), '');
    symlinkSync(`/run/netns/${empty.name}`, join(folder, 'run/netns/blue'));
    const reader = new NamespaceReader(folder, new FileBuffer(), () => 0);
    const counted = new Map<string, number>();
    const into = {
      ...NOWHERE,
      counter: (name: string, _: string, delta: number, namespace = '') => {
        counted.set(`${namespace} ${name}`, delta);
      },
    };
    // Whichever is tried first: after the second reading both were.
    reader.read(into);
    reader.read(into);
    await flood(empty, 23);
    reader.read(into);
    expect(counted.get('netns blue UdpNoPorts')).toBe(23);
    rmSync(folder, { recursive: true });
  });

  it('without CAP_SYS_ADMIN are those of the namespaces that processes are in', async () => {
    const script = join(import.meta.dirname, 'namespaces.ts');
    const files = join(import.meta.dirname, 'files.ts');
    const program = `
      const { NamespaceReader } = await import(${JSON.stringify(script)});
      const { FileBuffer } = await import(${JSON.stringify(files)});
      const reader = new NamespaceReader('/', new FileBuffer(), () => 0);
      const counted = {};
      const into = {
        drop() {}, sample() {}, loss() {}, wantsSample: () => false,
        counter: (name, _, delta, namespace) => { if (name === 'UdpNoPorts') counted[namespace] = delta; },
      };
      reader.read(into);
      console.log('ready');
      await new Promise((resolve) => process.stdin.once('data', resolve));
      reader.read(into);
      console.log(JSON.stringify(counted));
      process.exit(0);
    `;
    const less = ['--bounding-set', '-sys_admin', '--inh-caps', '-sys_admin', '--', process.execPath];
    const child = spawn('setpriv', [...less, '--input-type=module', '--eval', program]);
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    while (!output.includes('ready') && child.exitCode === null) await new Promise((r) => setTimeout(r, 20));
    await flood(lived, 17);
    await flood(empty, 23);
    child.stdin.write('go');
    expect([await ended, errors]).toEqual([0, '']);
    const counted = JSON.parse(output.split('\n')[1] ?? '');
    const ours = Object.entries(counted).filter(([name]) => name.includes('netfall-'));
    expect(ours).toEqual([[`netns ${lived.name}`, 17]]);
  });
});
