/**
 * `node test/vm/capture-crashes.ts [KERNEL…]`: brings down kernels in VMs and writes what they sent and left behind to
 * test/fixtures/crashes. Takes root, and about a minute a kernel.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  basicPort,
  type Capture,
  type Datagram,
  extendedPort,
  readRecords,
  writeCapture,
} from './captures.ts';
import { crashes, netconsoleScript, troubleScripts } from './crashes.ts';
import { VmError } from './error.ts';
import { type Branch, branches, isBranch } from './packages.ts';
import { whyNoVm } from './qemu.ts';
import { bootVm, type Vm } from './vm.ts';

const network = '192.168.77';
const timeoutMs = 120_000;

/** Messages of all shapes before the trouble: long, of several lines, with bytes that are no text, with a dictionary. */
const messages = `
  head -c 985 /dev/zero | tr '\\0' a >/dev/kmsg
  # The longest that Linux 6.1 takes, and the longest that 6.12 does.
  head -c 992 /dev/zero | tr '\\0' b >/dev/kmsg
  head -c 1024 /dev/zero | tr '\\0' c 2>/dev/null >/dev/kmsg
  printf 'two\\nlines, \\\\ and \\001 and \\303\\251' >/dev/kmsg
  # An IDE controller that nothing uses.
  echo 1 >/sys/bus/pci/devices/0000:00:01.1/remove
  echo 1 >/sys/bus/pci/rescan`;

/** Prints what is there as writeRecords does, and removes it. */
const takePstore = `
  cd /sys/fs/pstore
  node -e "
    const { readdirSync, readFileSync, statSync } = require('node:fs');
    for (const name of readdirSync('.')) {
      const mtime_us = Number(statSync(name, { bigint: true }).mtimeNs / 1000n);
      console.log(JSON.stringify({ name, mtime_us, data: readFileSync(name, 'base64') }));
    }"
  rm -f *`;

const kernels = process.argv.length > 2 ? process.argv.slice(2) : [...branches];
for (const kernel of kernels) {
  const missing = isBranch(kernel) ? await whyNoVm(kernel) : `kernels are ${branches.join(' and ')}`;
  if (missing !== null || !isBranch(kernel)) {
    console.error(`no crashes of ${kernel}: ${missing}`);
    process.exit(1);
  }
  await captureAll(kernel);
}

async function captureAll(kernel: Branch): Promise<void> {
  const scripts = await troubleScripts(kernel);
  await using vm = await bootVm({ kernel, network, reboots: true });
  for (const trouble of ['warning', ...crashes] as const) {
    const capture = await captureOne(vm, scripts[trouble], setUp(kernel));
    await writeCapture(`${kernel}-${trouble}`, capture);
    console.log(`${kernel}-${trouble}: ${capture.datagrams.length} datagrams`);
  }
}

function setUp(kernel: Branch): string {
  const more = kernel === '6.12' ? { release: true, userdata: { rack: 'r12', unit: '7' } } : {};
  const basic = netconsoleScript('basic', { network, port: basicPort, extended: false });
  return (
    basic + netconsoleScript('extended', { network, port: extendedPort, extended: true, ...more }) + messages
  );
}

/** One boot of the guest, from a script that sets up netconsole and one that makes trouble to the reboot. */
async function captureOne(vm: Vm, trouble: string, before: string): Promise<Capture> {
  const datagrams: Datagram[] = [];
  let startedMs = 0;
  await using basic = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
  await using extended = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
  for (const [socket, port] of [
    [basic, basicPort],
    [extended, extendedPort],
  ] as const) {
    socket.on('message', (data) => {
      startedMs ||= performance.now();
      datagrams.push({ port, at_ms: Math.round(performance.now() - startedMs), data });
    });
    socket.bind(port, `${network}.1`);
    await once(socket, 'listening');
  }
  await vm.run(before, { timeoutMs });
  // A crash is the end of the script. What a warning sends has arrived long before the two seconds have passed.
  const ended = await vm
    .run(`${trouble}\nsleep 2; echo b >/proc/sysrq-trigger; sleep 60`, { timeoutMs })
    .catch((error: unknown) => error);
  if (!(ended instanceof VmError && ended.code === 'rebooted'))
    throw new Error('the kernel lived on', { cause: ended });
  const boots = vm.console.split(/^(?=\[ {4}0\.000000\] Linux version )/m);
  const { stdout } = await vm.run(takePstore, { timeoutMs });
  return { datagrams, console: boots.at(-2) ?? '', pstore: readRecords(stdout.toString()) };
}
