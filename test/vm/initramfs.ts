/**
 * The initramfs of a VM: busybox, the init script, what the script is told, and the modules that make the root file
 * system reachable, in the order in which they are loaded.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Kernel } from './packages.ts';

const execute = promisify(execFile);

/** Without them there is no root: what a guest needs later it loads from there. */
const needed = ['virtio_pci', '9pnet_virtio', '9p', 'overlay'];

/** An archive for QEMU's -initrd. `told` become the shell variables of init. */
export async function initramfs(
  kernel: Kernel,
  busybox: string,
  told: Readonly<Record<string, string>>,
): Promise<Buffer> {
  const quoted = Object.entries(told).map(([name, value]) => `${name}='${value.replaceAll("'", `'\\''`)}'\n`);
  const modules = await modulesInOrder(kernel);
  return Buffer.concat([
    entry('bin', directory),
    entry('bin/busybox', executable, await readFile(busybox)),
    entry('init', executable, await readFile(join(import.meta.dirname, 'init.sh'))),
    entry('told', regular, Buffer.from(quoted.join(''))),
    entry('modules', directory),
    ...(await Promise.all(
      modules.map(async (path, index) =>
        entry(
          `modules/${String(index).padStart(2, '0')}${/\.ko.*/.exec(path)?.[0]}`,
          regular,
          await readFile(path),
        ),
      ),
    )),
    entry('TRAILER!!!', 0),
  ]);
}

/** The paths of the modules and of what they depend on. What is built in needs none. */
async function modulesInOrder(kernel: Kernel): Promise<string[]> {
  const paths = new Set<string>();
  for (const module of needed) {
    const options = ['--dirname', kernel.root, '--set-version', kernel.release, '--show-depends', module];
    const { stdout } = await execute('modprobe', options);
    for (const [, path = ''] of stdout.matchAll(/^insmod (.+?) *$/gm)) paths.add(path);
  }
  return [...paths];
}

const directory = 0o040755;
const regular = 0o100644;
const executable = 0o100755;

/** A record of the "newc" format (Documentation/driver-api/early-userspace/buffer-format.rst): hex header, name, data. */
function entry(name: string, mode: number, data: Buffer = Buffer.alloc(0)): Buffer {
  const named = Buffer.from(`${name}\0`);
  // ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
  const fields = [0, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, named.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  return Buffer.concat([padded(Buffer.concat([header, named])), padded(data)]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
