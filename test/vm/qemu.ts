/** The command line that starts a VM. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { VmError } from './error.ts';
import { initramfs } from './initramfs.ts';
import { type Branch, fetchBusybox, fetchKernel } from './packages.ts';

const execute = promisify(execFile);

export interface Machine {
  readonly kernel: Branch;
  /** 512 unless said. Half of it is what the guest's files may take. */
  readonly memoryMb?: number;
  /** 2 unless said. */
  readonly cpus?: number;
  /**
   * True: it has eth0, 10.0.2.15, behind which QEMU's user network is: the host's loopback is 10.0.2.2 there, and hears
   * the guest as 127.0.0.1. A prefix such as "192.168.77": eth0 is PREFIX.2, the host PREFIX.1, and each hears the
   * other under its address; takes root, and a prefix that nothing else uses.
   */
  readonly network?: boolean | string;
  /**
   * Whether the guest boots again after a panic, instead of ending with it, and keeps the panic's log meanwhile: pstore
   * has it afterwards. Needs 512 MB.
   */
  readonly reboots?: boolean;
}

/**
 * Where ramoops keeps its records, and how: far from what QEMU, the BIOS and the kernel's decompressor put into either
 * end of the memory. The rest is what Debian has. Records are compressed, so that each has room for a whole log of these VMs.
 */
const keepLogs = [
  'memmap=512K$256M',
  'ramoops.mem_address=0x10000000 ramoops.mem_size=0x80000 ramoops.record_size=0x10000',
];

export const tree = join(import.meta.dirname, '../..');

/** Why suites do not boot such a VM, in one line, or null: VMs take minutes, so they run when that is asked for. */
export async function whyNoVmTests(branch: Branch): Promise<string | null> {
  if (process.env['NETFALL_VM'] !== '1') return 'takes minutes: NETFALL_VM=1 runs it';
  return await whyNoVm(branch);
}

/** Why this machine cannot have such a VM, in one line, or null. Fetches the kernel when it is not there. */
export async function whyNoVm(branch: Branch): Promise<string | null> {
  try {
    if (process.arch !== 'x64') throw new VmError('unavailable', 'needs an x86-64 machine');
    // setpriv: see command().
    for (const program of ['qemu-system-x86_64', 'modprobe', 'depmod', 'setpriv']) {
      await execute(program, ['--version']).catch((cause) => {
        throw new VmError('unavailable', `needs ${program}`, { cause });
      });
    }
    await fetchKernel(branch);
    await fetchBusybox();
    return null;
  } catch (error) {
    if (error instanceof VmError) return error.message;
    throw error;
  }
}

/**
 * The program and its arguments, but for the serial ports. The guest sees the folder `shared` as /run/vm and may write
 * to it. With `shell` there is one on the first serial port, and when it exits the VM ends; else the guest waits for
 * commands on the second.
 */
export async function qemuCommand(
  machine: Machine,
  shared: string,
  shell?: { readonly rows: number; readonly columns: number },
): Promise<[program: string, args: string[]]> {
  const kernel = await fetchKernel(machine.kernel);
  const archive = join(shared, 'initramfs');
  const tap = typeof machine.network === 'string' ? machine.network : null;
  const told = {
    tree,
    release: kernel.release,
    modules: join(kernel.root, 'lib/modules', kernel.release),
    terminal: shell ? `rows ${shell.rows} columns ${shell.columns}` : '',
    pstore: machine.reboots ? 'ramoops' : '',
    // Without a tap, the addresses of QEMU's user network.
    ...(tap === null
      ? { address: '10.0.2.15', gateway: '10.0.2.2' }
      : { address: `${tap}.2`, gateway: `${tap}.1` }),
  };
  await writeFile(archive, await initramfs(kernel, await fetchBusybox(), told));
  const append = [
    'console=ttyS0',
    // A panic reboots, at once or after a second. With -no-reboot that is QEMU's end.
    ...(machine.reboots ? ['panic=1', ...keepLogs] : ['panic=-1']),
    // Else the kernel distrusts the emulated clock and asks the HPET instead, and its retpolines are slow to emulate:
    // together a third of the boot.
    'tsc=reliable mitigations=off',
    // On a busy machine the test of the timer can fail, and the kernel gives up.
    'no_timer_check',
    // Else Linux 6.12 lets a frame or two wait for QEMU at a time, and netconsole loses the rest of a panic when QEMU is
    // late (docs/vm.md).
    'virtio_net.napi_tx=0',
    ...(shell ? ['quiet'] : []),
  ];
  const folder = (tag: string, path: string, readonly: 'on' | 'off') => [
    '-virtfs',
    // A comma separates in QEMU's options, and is doubled in a value.
    `local,path=${path.replaceAll(',', ',,')},mount_tag=${tag},security_model=none,readonly=${readonly},multidevs=remap`,
  ];
  return [
    // With the process that started it dies QEMU, however that comes about.
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', '--', 'qemu-system-x86_64'],
      // Not a thread a CPU: with QEMU 7.2 Node crashes now and then (docs/vm.md).
      ...['-accel', 'tcg,thread=single', '-cpu', 'max', '-nodefaults', '-no-user-config', '-display', 'none'],
      ...['-smp', String(machine.cpus ?? 2), '-m', `${machine.memoryMb ?? 512}M`],
      ...['-kernel', kernel.image, '-initrd', archive, '-append', append.join(' ')],
      ...(machine.reboots ? [] : ['-no-reboot']),
      ...folder('host', '/', 'on'),
      ...folder('vm', shared, 'off'),
      ...['-nic', await nic(machine, shared)],
    ],
  ];
}

async function nic({ network = false }: Machine, shared: string): Promise<string> {
  if (network === false) return 'none';
  if (network === true) return 'user,model=virtio-net-pci';
  // QEMU makes the device, which therefore ends with it, and runs the script with the device's name.
  const script = join(shared, 'tap-up');
  const commands = `ip address add ${network}.1/24 dev "$1" && ip link set "$1" up`;
  await writeFile(script, `#!/bin/sh\n${commands}\n`, { mode: 0o700 });
  return `tap,script=${script.replaceAll(',', ',,')},downscript=no,model=virtio-net-pci`;
}
