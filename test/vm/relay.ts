/**
 * The whole way of a crash, from a kernel in a VM to the collector's API: a relay outside hears it die, by netconsole, and
 * after the reboot an agent inside finds what pstore kept.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sources } from '@netfall/agent';
import type { Crash, CrashLog } from '@netfall/collector';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findNatsServer, NATS_SERVER_MISSING, startNatsServer } from '../nats-server.ts';
import { eventually, Netfall } from '../processes/netfall.ts';
import { netconsoleScript, troubleScripts, crashes as ways } from './crashes.ts';
import type { Branch } from './packages.ts';
import { whyNoVmTests } from './qemu.ts';
import { bootVm, type Vm } from './vm.ts';

const MINUTE_MS = 60_000;

/** A network for each kernel, since the suites run side by side. */
const networks: Readonly<Record<Branch, string>> = { '6.1': '192.168.77', '6.12': '192.168.78' };

/** What the API is to say of each crash. */
const expected = [
  {
    kind: 'panic',
    line: /^Kernel panic - not syncing: sysrq triggered crash$/,
    title: 'kernel panic: sysrq triggered crash',
    sources: ['netconsole', 'netconsole', 'pstore'],
  },
  {
    kind: 'oops',
    line: /^BUG: kernel NULL pointer dereference, address: 0000000000000040$/,
    title: 'BUG: unable to handle kernel NULL pointer dereference in queue_length',
    // The oops, and the panic that is made of it.
    sources: ['netconsole', 'netconsole', 'pstore', 'pstore'],
  },
  {
    kind: 'lockup',
    line: /^watchdog: BUG: soft lockup - CPU#0 stuck for \d+s! \[sh:\d+\]$/,
    title: 'BUG: soft lockup in provoke',
    sources: ['netconsole', 'netconsole', 'pstore'],
  },
] as const;
const EXPECTED_RECORDS = expected.flatMap(({ sources }) => sources).length;

/** All sources but one are off. */
function only(source: string, keys: object): object {
  return Object.fromEntries(
    sources.map(({ name }) => [name, name === source ? { enabled: true, ...keys } : { enabled: false }]),
  );
}

async function whyNot(kernel: Branch): Promise<string | null> {
  const missing = await whyNoVmTests(kernel);
  if (missing !== null) return missing;
  if (process.getuid?.() !== 0) return 'needs root';
  if (!findNatsServer()) return NATS_SERVER_MISSING;
  return troubleScripts(kernel).then(
    () => null,
    (error: Error) => error.message,
  );
}

/** Defines the suite for one kernel: a file each, so that they run side by side. */
export async function testRelay(kernel: Branch): Promise<void> {
  const missing = await whyNot(kernel);
  const name = `crashes of Linux ${kernel} in a VM${missing === null ? '' : ` (${missing})`}`;
  describe.skipIf(missing !== null)(name, () => {
    const network = networks[kernel];
    const stack = new AsyncDisposableStack();
    let vm: Vm;
    let api: string;
    /** In the order in which they were. */
    let crashes: readonly Crash[];

    beforeAll(async () => {
      // With two processors the end of a log is lost now and then (docs/vm.md).
      vm = stack.use(await bootVm({ kernel, memoryMb: 1024, cpus: 1, network, reboots: true }));
      const nats = await start();
      const scripts = await troubleScripts(kernel);
      for (const [index, way] of ways.entries()) {
        const target = { network, port: 6666 };
        const more = kernel === '6.12' ? { release: true, userdata: { rack: 'r12' } } : {};
        await ok(
          netconsoleScript('basic', { ...target, extended: false }) +
            netconsoleScript('extended', { ...target, extended: true, ...more }),
        );
        const dying = vm.run(scripts[way], { timeoutMs: 3 * MINUTE_MS });
        await Promise.all([
          expect(dying).rejects.toMatchObject({ code: 'rebooted' }),
          eventually(async () => (await listed()).length === index + 1, MINUTE_MS),
        ]);
        // What the next crash would overwrite: the last one's stays where the kernel shows it.
        if (index < ways.length - 1)
          await ok(`mkdir /run/vm/kept-${index}; mv /sys/fs/pstore/* /run/vm/kept-${index}`);
      }
      const config = { host_id: 'crashing', log: { nats: { servers: [nats] } }, sources: only('pstore', {}) };
      const agent = vm.run(
        `mkdir -p /var/lib/systemd/pstore
        cp -a /run/vm/kept-* /var/lib/systemd/pstore
        echo '${JSON.stringify(config)}' >/tmp/agent.yaml
        exec node cli/main.ts agent --config /tmp/agent.yaml`,
        { timeoutMs: 10 * MINUTE_MS },
      );
      // It ends with the VM.
      agent.catch(() => {});
      const arrived = async () => {
        const found = await listed();
        const records = found.flatMap(({ records }) => records);
        return records.length === EXPECTED_RECORDS && records.every(({ revision }) => revision > 0) && found;
      };
      crashes = (await eventually(arrived, 2 * MINUTE_MS)).toReversed();
    }, 8 * MINUTE_MS);
    afterAll(() => stack.disposeAsync());

    /** Runs a script in the guest, which must end well. */
    async function ok(script: string): Promise<void> {
      const { status, stderr } = await vm.run(script, { timeoutMs: MINUTE_MS });
      expect({ status, stderr: String(stderr) }).toEqual({ status: 0, stderr: '' });
    }

    /** Starts what is outside the VM. Resolves with NATS' URL. */
    async function start(): Promise<string> {
      const data = mkdtempSync(join(tmpdir(), 'netfall-relay-'));
      stack.defer(() => rmSync(data, { recursive: true }));
      const nats = await startNatsServer({ dir: data, host: `${network}.1`, syncAlways: false });
      stack.defer(() => nats.stop());
      const listen = `${network}.1:6666`;
      const config = { agent: { host_id: 'relay', sources: only('netconsole', { listen }) } };
      writeFileSync(join(data, 'up.yaml'), JSON.stringify(config));
      const up = new Netfall([
        ...['up', '--data', join(data, 'up'), '--config', join(data, 'up.yaml')],
        ...['--listen', '127.0.0.1:0', '--nats', nats.url],
      ]);
      stack.defer(() => up.kill().then(() => {}));
      [, api = ''] = await up.line(/^Netfall is at (http:\S+)$/);
      return nats.url;
    }

    async function ask<T>(path: string): Promise<T> {
      const response = await fetch(api + path);
      if (!response.ok) throw new Error(await response.text());
      return (await response.json()) as T;
    }

    /** Newest first. */
    async function listed(): Promise<readonly Crash[]> {
      return (await ask<{ crashes: Crash[] }>('/api/v1/crashes')).crashes;
    }

    /** A record's log from the line that began the crash, as a console prints it. A log arrives after its report. */
    async function logOf({ id, line }: Crash, record: number): Promise<string> {
      const path = `/api/v1/crashes/${id}/log?record=${record}&format=json`;
      const { text, marks } = await eventually(() => ask<CrashLog>(path), 2 * MINUTE_MS);
      expect(marks).toEqual([]);
      // pstore has what consoles leave out, and says how much each line matters.
      const printed = text.replaceAll(/^<7>.*\n/gm, '').replaceAll(/^<\d+>/gm, '');
      return printed.slice(printed.lastIndexOf('\n', printed.indexOf(line)) + 1);
    }

    it('are one each, by whatever way they became known, of the host that crashed', () => {
      expect(
        crashes.map(({ kind, line, reading, records }) => ({
          kind,
          line,
          title: reading?.title,
          sources: records.map(({ source }) => source),
        })),
      ).toEqual(expected.map(({ line, ...rest }) => ({ ...rest, line: expect.stringMatching(line) })));
      expect(
        crashes.map(({ host_id, state, complete, mismatches }) => ({ host_id, state, complete, mismatches })),
      ).toEqual(
        expected.map(() => ({ host_id: 'crashing', state: 'reported', complete: true, mismatches: [] })),
      );
      expect(crashes.map(({ kernel: release }) => release.replace(/^(\d+\.\d+)\..*/, '$1'))).toEqual([
        kernel,
        kernel,
        kernel,
      ]);
    });

    it('have one title and one signature, by whatever way they became known', () => {
      for (const { reading, records } of crashes) {
        const { title, signature } = reading ?? {};
        const read = records.map((record) => ({
          title: record.reading?.title,
          signature: record.reading?.signature,
        }));
        expect(read).toEqual(records.map(() => ({ title, signature })));
        expect(signature).toMatch(/^1:[0-9a-f]{16}$/);
      }
    });

    it('were heard from the address of the host, and found by it', () => {
      const relayed = {
        host_id: 'relay',
        sender: `${network}.2`,
        complete: true,
        duplicates: 0,
        lost_messages: 0,
      };
      const found = { host_id: 'crashing', sender: '', complete: true, duplicates: 0, lost_messages: 0 };
      for (const { records } of crashes) {
        for (const record of records)
          expect(record).toMatchObject(record.source === 'pstore' ? found : relayed);
      }
    });

    it('leave the same log, basic, extended and kept, to the last line', {
      timeout: 3 * MINUTE_MS,
    }, async () => {
      for (const crash of crashes) {
        const logs = await Promise.all(crash.records.map((_, index) => logOf(crash, index)));
        const [basic = '', extended, ...kept] = logs;
        expect(basic).toMatch(
          /^\[ +\d+\.\d{6}\] (?:.*\n){20,}.*\] Kernel Offset: .*\n.*\] Rebooting in 1 seconds\.\.\n$/,
        );
        expect(extended).toBe(basic);
        // Of an oops there is a dump before the panic that is made of it; a panic's is made before the last line.
        const oops = /^(?:.*\n)*?.*\] ---\[ end trace \w+ \]---\n/.exec(basic) ?? [];
        const panic = basic.slice(0, basic.lastIndexOf('\n', basic.length - 2) + 1);
        expect(kept.toSorted()).toEqual([...oops, panic].toSorted());
      }
    });
  });
}
