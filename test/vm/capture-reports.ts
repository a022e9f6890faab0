/**
 * `node test/vm/capture-reports.ts [KERNEL [TROUBLE…]]`: makes trouble of all kinds in VMs and writes the logs to
 * test/fixtures/reports. Takes some three minutes a kernel.
 */
import { loadScript } from './crashes.ts';
import { VmError } from './error.ts';
import { type Branch, branches, isBranch } from './packages.ts';
import { whyNoVm } from './qemu.ts';
import { writeReport } from './reports.ts';
import { type Trouble, troubles } from './troubles.ts';
import { bootVm, type Vm } from './vm.ts';

const timeoutMs = 120_000;
/** Lines that are kept of what came before. */
const CONTEXT = 20;

/** Something that hosts log on any day, after which the trouble comes. */
const ordinary = 'ip link set lo promisc on; ip link set lo promisc off';
const ORDINARY = /\bleft promiscuous mode$/;

const [only, ...names] = process.argv.slice(2);
const unknown = names.filter((name) => !troubles.some((trouble) => trouble.name === name));
if (unknown.length > 0) {
  console.error(`no such troubles: ${unknown.join(', ')}; test/vm/troubles.ts has them all`);
  process.exit(1);
}
for (const kernel of only === undefined ? branches : [only]) {
  const missing = isBranch(kernel) ? await whyNoVm(kernel) : `kernels are ${branches.join(' and ')}`;
  if (missing !== null || !isBranch(kernel)) {
    console.error(`no reports of ${kernel}: ${missing}`);
    process.exit(1);
  }
  await captureAll(
    kernel,
    troubles.filter(
      ({ name, kernels }) => kernels.includes(kernel) && (names.length === 0 || names.includes(name)),
    ),
  );
}

async function captureAll(kernel: Branch, wanted: readonly Trouble[]): Promise<void> {
  const load = await loadScript(kernel);
  await using vm = await bootVm({ kernel, reboots: true });
  // Of this boot's log, what no earlier report is kept with.
  let seen = '';
  for (const { name, script, isFatal } of wanted) {
    await vm.run(`${load}; ${ordinary}`, { timeoutMs });
    const ended = await vm.run(script, { timeoutMs }).catch((error: unknown) => error);
    const isRebooted = ended instanceof VmError && ended.code === 'rebooted';
    if (isRebooted !== isFatal)
      throw new Error(`${kernel}-${name} did not end as it should`, { cause: ended });
    const log = printed(isFatal ? await panicLog(vm) : await print(vm, 'dmesg --raw --noescape'));
    const before = seen === '' ? 0 : log.lastIndexOf(seen) + 1;
    const from = log.findLastIndex((line) => ORDINARY.test(line)) + 1;
    if (from === log.length) throw new Error(`nothing was logged of ${kernel}-${name}`);
    const kept = log.slice(Math.max(before, from - CONTEXT));
    seen = isFatal ? '' : (log.at(-1) ?? '');
    await writeReport(`${kernel}-${name}`, `${kept.join('\n')}\n`);
    console.log(`${kernel}-${name}: ${kept.length} lines`);
  }
}

async function print(vm: Vm, script: string): Promise<string> {
  const { stdout, stderr, status } = await vm.run(script, { timeoutMs });
  if (status !== 0) throw new Error(`${script}: status ${status}: ${stderr}`);
  return stdout.toString();
}

/** What ramoops has of the panic, which is removed there. */
async function panicLog(vm: Vm): Promise<string> {
  const text = await print(vm, 'cd /sys/fs/pstore && cat dmesg-ramoops-* && rm *');
  const dump = text.split(/^(?=\w+#\d+ Part\d+\n)/m).find((part) => part.startsWith('Panic#'));
  if (dump === undefined) throw new Error(`pstore has no panic: ${text.slice(0, 200)}`);
  return dump.slice(dump.indexOf('\n') + 1);
}

/**
 * A log's lines as a console prints them: without their levels, and without what is for debugging. Not from the console
 * itself, since the emulated serial port loses a character here and there.
 */
function printed(log: string): string[] {
  return log.split('\n').flatMap((line) => {
    const [, priority = '', text = ''] = /^<(\d+)>(.*)$/.exec(line) ?? [];
    return priority === '' || Number(priority) % 8 === 7 ? [] : [text];
  });
}
