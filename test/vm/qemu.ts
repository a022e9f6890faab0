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
  /** Whether it has eth0, 10.0.2.15, behind which QEMU's user network is: the host's loopback is 10.0.2.2 there. */
  readonly network?: boolean;
}

export const tree = join(import.meta.dirname, '../..');

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
 * The program and its arguments. `shared` is a folder of the host, which the guest sees as /run/vm and may write to;
 * `told` goes to the guest's init.
 */
export async function command(
  machine: Machine,
  shared: string,
  told: Readonly<Record<string, string>> = {},
): Promise<[string, string[]]> {
  const kernel = await fetchKernel(machine.kernel);
  const modules = join(kernel.root, 'lib/modules', kernel.release);
  const archive = join(shared, 'initramfs');
  await writeFile(
    archive,
    await initramfs(kernel, await fetchBusybox(), { tree, release: kernel.release, modules, cache: 'loose', ...told }),
  );
  const folder = (tag: string, path: string, readonly: 'on' | 'off') => [
    '-virtfs',
    // Comma is QEMU's separator, and is written twice in a value.
    `local,path=${path.replaceAll(',', ',,')},mount_tag=${tag},security_model=none,readonly=${readonly},multidevs=remap`,
  ];
  const args = [
    // The kernel kills it when the process that started it ends, however that comes about.
    ...['--pdeathsig', 'KILL', '--', 'qemu-system-x86_64'],
    ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-smp', String(machine.cpus ?? 2), '-m', `${machine.memoryMb ?? 512}M`],
    ...['-kernel', kernel.image, '-initrd', archive],
    // A panic ends it at once: the reboot that follows is QEMU's end.
    ...['-append', 'console=ttyS0 panic=-1 tsc=reliable mitigations=off', '-no-reboot'],
    ...folder('host', '/', 'on'),
    ...folder('vm', shared, 'off'),
    ...(machine.network ? ['-nic', 'user,model=virtio-net-pci'] : ['-nic', 'none']),
  ];
  return ['setpriv', args];
}
