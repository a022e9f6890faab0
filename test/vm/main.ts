/**
 * `npm run vm -- KERNEL`: a shell in that kernel; `npm run vm -- KERNEL -- COMMAND…`: runs the command there, prints what
 * it printed, and ends with its status.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { branches, isBranch } from './packages.ts';
import { type Machine, qemuCommand, whyNoVm } from './qemu.ts';
import { makeSharedFolder, removeSharedFolder } from './shared-folder.ts';
import { bootVm } from './vm.ts';

const day = 24 * 60 * 60 * 1000;

const [kernel = '', separator, ...command] = process.argv.slice(2);
if (!isBranch(kernel) || (separator !== undefined && (separator !== '--' || command.length === 0))) {
  console.error(`usage: npm run vm -- ${branches.join('|')} [-- COMMAND…]`);
  process.exit(2);
}
const missing = await whyNoVm(kernel);
if (missing !== null) {
  console.error(`no VM: ${missing}`);
  process.exit(1);
}
const machine: Machine = { kernel, memoryMb: 1024, network: true };
process.exitCode = await (separator === undefined ? shell() : run());

async function run(): Promise<number> {
  await using vm = await bootVm(machine);
  const script = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const { status, stdout, stderr } = await vm.run(script, { timeoutMs: day });
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  return status;
}

async function shell(): Promise<number> {
  const shared = await makeSharedFolder();
  const { rows = 24, columns = 80 } = process.stdout;
  const [program, args] = await qemuCommand(machine, shared, { rows, columns });
  console.error(`Linux ${kernel} in ${join(import.meta.dirname, '../..')}; exit, or Ctrl-A X, ends it`);
  const [code] = await once(spawn(program, [...args, '-serial', 'mon:stdio'], { stdio: 'inherit' }), 'exit');
  await removeSharedFolder(shared);
  return code ?? 1;
}
