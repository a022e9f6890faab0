import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { branches } from './packages.ts';
import { tree, whyNoVmTests } from './qemu.ts';
import { bootVm, type Vm } from './vm.ts';

const execute = promisify(execFile);
const minute = 60_000;

for (const kernel of branches) {
  const missing = await whyNoVmTests(kernel);
  const name = `Linux ${kernel} in a VM${missing === null ? '' : ` (${missing})`}`;
  describe.skipIf(missing !== null)(name, { timeout: minute }, () => {
    let vm: Vm;
    beforeAll(async () => {
      vm = await bootVm({ kernel, network: true });
    }, 3 * minute);
    afterAll(() => vm?.[Symbol.asyncDispose]());

    const run = (script: string, timeoutMs = minute) => vm.run(script, { timeoutMs });

    /** What the script prints; it must end well. */
    async function output(script: string): Promise<string> {
      const { status, stdout, stderr } = await run(script);
      expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' });
      return stdout.toString();
    }

    it('is that kernel, as root, in the tree', async () => {
      const [release = '', ...rest] = (await output('uname -r; id -u; pwd')).split('\n');
      expect(release.slice(0, kernel.length + 1)).toBe(`${kernel}.`);
      expect(rest).toEqual(['0', tree, '']);
      expect(vm.console).toContain(`Linux version ${release} `);
    });

    it('returns the status and both outputs as they were', async () => {
      expect(await run(`printf 'a\\0\\377\\r\\n'; printf '\\200' >&2; exit 3`)).toEqual({
        status: 3,
        stdout: Buffer.from([0x61, 0, 0xff, 0x0d, 0x0a]),
        stderr: Buffer.from([0x80]),
      });
      expect(await run('kill -SEGV $$')).toMatchObject({ status: 128 + 11 });
      expect(await run('cat')).toMatchObject({ status: 0, stdout: Buffer.alloc(0) });
    });

    it('returns 10 MB of binary output', async () => {
      const expected = Buffer.alloc(10_000_000);
      readSync(openSync(join(tree, 'node_modules/.bin/node'), 'r'), expected);
      const { status, stdout } = await run('head -c 10000000 node_modules/.bin/node');
      expect([status, stdout.equals(expected)]).toEqual([0, true]);
    });

    it('stops what prints more than 64 MiB', async () => {
      const cut = 'the command printed 67108864 bytes to stdout, which is all it may';
      await expect(run('truncate -s 67108864 /dev/stdout; echo more')).rejects.toThrow(cut);
      expect(await output('echo there')).toBe('there\n');
    });

    it('kills a command that takes too long, and all that it started', async () => {
      const script = 'setsid sleep 1001 & sleep 1002 & echo begun; wait';
      await expect(run(script, 1000)).rejects.toMatchObject({ code: 'timeout', message: /: begun\n$/ });
      expect(await output("ps -eo args | grep '^sleep 10' || echo none")).toBe('none\n');
    });

    it('kills what a command leaves running', async () => {
      expect(await run('setsid sleep 1003 & exit 4')).toMatchObject({ status: 4 });
      expect(await output("ps -eo args | grep '^sleep 10' || echo none")).toBe('none\n');
    });

    it('runs commands side by side', async () => {
      const waiting = output('until [ -e /run/sign ]; do sleep 0.05; done; echo seen');
      expect(await output('touch /run/sign')).toBe('');
      expect(await waiting).toBe('seen\n');
    });

    it('keeps what is written to itself', async () => {
      expect(await output('echo mine > written-in-a-vm; cat written-in-a-vm')).toBe('mine\n');
      expect(existsSync(join(tree, 'written-in-a-vm'))).toBe(false);
    });

    it('has the modules that suites need', async () => {
      const modules = 'drop_monitor netconsole dummy veth vxlan sch_netem sch_tbf nf_tables ramoops';
      expect(await output(`modprobe --all ${modules}`)).toBe('');
      expect(await output('ls -d /sys/module/drop_monitor')).toBe('/sys/module/drop_monitor\n');
      await output('ip netns add there; ip link add near type veth peer name far netns there');
    });

    it('runs the project: its Node, koffi, bpf(2) and the kernel types', {
      timeout: 3 * minute,
    }, async () => {
      const module = './agent/sources/kfree-skb/probe.ts';
      const program = `import { probeKfreeSkb } from '${module}'; console.log(probeKfreeSkb().state);`;
      const { stdout, stderr } = await run(`node --input-type=module -e "${program}"`, 2 * minute);
      expect([stdout.toString(), stderr.toString()]).toEqual(['ok\n', '']);
    });

    it("reaches the host's loopback, here with netconsole", async () => {
      await using host = createSocket('udp4');
      host.bind(0, '127.0.0.1');
      await once(host, 'listening');
      // It begins with the log so far.
      const received = new Promise<void>((resolve) => {
        host.on('message', (datagram) => {
          if (String(datagram).includes('over the wire')) resolve();
        });
      });
      const netconsole = `netconsole=@10.0.2.15/eth0,${host.address().port}@10.0.2.2/`;
      await output(
        `modprobe -r netconsole; modprobe netconsole ${netconsole}; echo '<1>over the wire' >/dev/kmsg`,
      );
      await received;
    });

    // The last one here: the VM is gone after it.
    it('ends what waits when the kernel panics', async () => {
      const waiting = run('sleep 1004');
      const dying = run('echo c >/proc/sysrq-trigger');
      const death = {
        code: 'died',
        message: /^the VM died.*Kernel panic - not syncing: sysrq triggered crash/s,
      };
      await Promise.all([waiting, dying].map((ended) => expect(ended).rejects.toMatchObject(death)));
      expect(vm.console).toMatch(/sysrq: Trigger a crash\n/);
      await expect(run('true')).rejects.toMatchObject({ code: 'died' });
    });
  });
}

const missing = await whyNoVmTests('6.12');
const name = `npm run vm${missing === null ? '' : ` (${missing})`}`;
describe.skipIf(missing !== null)(name, { timeout: 3 * minute }, () => {
  const main = join(import.meta.dirname, 'main.ts');
  // Else it outlives a test that fails.
  const bounded = { timeout: 2 * minute, killSignal: 'SIGKILL' } as const;

  it('runs a command and ends as the command does', async () => {
    const args = [main, '6.12', '--', 'sh', '-c', 'echo "$0"; echo err >&2; exit 7', "it's  one"];
    await expect(execute(process.execPath, args, bounded)).rejects.toMatchObject({
      code: 7,
      stdout: "it's  one\n",
      stderr: 'err\n',
    });
  });

  it('gives a shell', async () => {
    const shell = execute(process.execPath, [main, '6.12'], bounded);
    let printed = '';
    shell.child.stdout?.on('data', (text) => {
      printed += text;
      if (printed.endsWith('# ')) shell.child.stdin?.write('echo "at $PWD"; exit\n');
    });
    const { stdout } = await shell;
    expect(stdout).toContain('[6.12.');
    expect(stdout).toContain(`at ${tree}\r\n`);
  });

  it('takes QEMU with it when it is killed', async () => {
    // It has no time to remove its files.
    const folder = mkdtempSync(join(tmpdir(), 'netfall-vm-killed-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const harness = spawn(process.execPath, [main, '6.12', '--', 'sleep', '1000'], {
      env: { ...process.env, TMPDIR: folder },
    });
    onTestFinished(() => void harness.kill('SIGKILL'));
    const children = `/proc/${harness.pid}/task/${harness.pid}/children`;
    const qemu = await vi.waitUntil(() => {
      const pid = readFileSync(children, 'utf8').trim();
      return command(pid) === 'qemu-system-x86_64' ? pid : null;
    }, 20_000);
    harness.kill('SIGKILL');
    await vi.waitUntil(() => command(qemu) === null, 20_000);
  });

  it('says how it is used', async () => {
    const usage = { code: 2, stdout: '', stderr: 'usage: npm run vm -- 6.1|6.12 [-- COMMAND…]\n' };
    await expect(execute(process.execPath, [main, '5.10'])).rejects.toMatchObject(usage);
    await expect(execute(process.execPath, [main, '6.1', '--'])).rejects.toMatchObject(usage);
  });
});

/** The program that the process runs, or null when there is no such process. */
function command(pid: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] || null;
  } catch {
    return null;
  }
}
