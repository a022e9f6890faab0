/**
 * Whether drops can be counted here, and if not, what to do about it. Loads the programs without attaching
 * them and lets them go again: no documentation of a kernel is as true as its verifier.
 */

import { readFileSync } from 'node:fs';
import { VerifierError } from '../../kernel/bpf/program.ts';
import { type Btf, BtfError } from '../../kernel/btf.ts';
import { type Capability, ownPrivileges } from '../../kernel/capabilities.ts';
import { showsAddresses } from '../../kernel/kallsyms.ts';
import { KernelError } from '../../kernel/libc.ts';
import { KernelPrintedSymbols } from '../../names/symbols.ts';
import type { Probe } from '../../source.ts';
import { countsNone, lackOfCapabilities } from '../lack.ts';
import { type Layout, LayoutError, readLayout } from './layout.ts';
import { createMaps, type KfreeSkbOptions, loadProgram, readBtf } from './load.ts';
import { readSampleLayout } from './samples/layout.ts';
import type { Sampling } from './samples/program.ts';
import { Sampler } from './samples/sampler.ts';

/** Enough for a program with all of its parts. */
const PROBE_ENTRIES = 64;
/** Or CAP_SYS_ADMIN, which holds both. */
const NEEDED: readonly Capability[] = ['CAP_BPF', 'CAP_PERFMON'];

const ALLOW_BPF =
  'docker run --security-opt seccomp=FILE with a profile that allows bpf, or SystemCallFilter=bpf in the systemd unit';

/** Tries everything that counting needs. Nothing stays loaded. */
export function probeKfreeSkb(options: Pick<KfreeSkbOptions, 'root'> = {}): Probe {
  const root = options.root ?? '';
  if (process.platform !== 'linux' || (process.arch !== 'x64' && process.arch !== 'arm64')) {
    return unavailable(
      `BPF is not supported on ${process.platform} ${process.arch}`,
      'run on Linux, x86-64 or arm64',
    );
  }
  if (readIfAny(`${root}/sys/kernel/security/lockdown`).includes('[confidentiality]')) {
    return unavailable(
      'kernel lockdown in confidentiality mode forbids BPF to read kernel memory',
      'boot with lockdown=integrity',
    );
  }
  try {
    const btf = readBtf(root);
    const layout = readLayout(btf);
    tryToLoad(layout);
    return describe(layout, whyNoSamples(btf, layout), root);
  } catch (error) {
    return explain(error);
  }
}

/** Why packets cannot be sampled where they can be counted, or undefined when they can. */
function whyNoSamples(btf: Btf, layout: Layout): string | undefined {
  try {
    using sampler = new Sampler(readSampleLayout(btf), { budget: 0 });
    tryToLoad(layout, sampler.sampling);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function tryToLoad(layout: Layout, sampling?: Sampling): void {
  using resources = new DisposableStack();
  resources.use(loadProgram(layout, createMaps(PROBE_ENTRIES, resources), sampling));
}

function describe(layout: Layout, noSamples: string | undefined, root: string): Probe {
  const missing: string[] = [];
  const mend: string[] = [];
  if (layout.reasonArgument === undefined) {
    missing.push('drop reasons: this kernel gives none, every drop is NOT_SPECIFIED');
    mend.push('run Linux 5.17 or later');
  }
  if (!namesFunctions(root)) {
    missing.push('function names: the kernel does not print them and /proc/kallsyms hides its addresses');
    mend.push(`run Linux 5.13 or later, or grant CAP_SYSLOG and set kernel.kptr_restrict to 1 or 0`);
  }
  if (noSamples !== undefined) {
    missing.push(`samples of dropped packets: ${noSamples}`);
    mend.push('run Linux 5.8 or later');
  }
  if (missing.length === 0)
    return { state: 'ok', detail: 'counts drops in the kernel by reason, function and protocol' };
  return {
    state: 'degraded',
    detail: 'counts drops in the kernel',
    missing: missing.join('; '),
    mend: mend.join('; '),
  };
}

/** Whether the kernel prints symbols, or shows their addresses. */
export function namesFunctions(root: string): boolean {
  try {
    new KernelPrintedSymbols().close();
    return true;
  } catch {
    return showsAddresses(Buffer.from(readIfAny(`${root}/proc/kallsyms`), 'latin1'));
  }
}

function explain(error: unknown): Probe {
  if (error instanceof KernelError && (error.code === 'EPERM' || error.code === 'EACCES'))
    return explainDenial(error);
  if (error instanceof KernelError && error.code === 'ENOSYS') {
    // Some container engines have their filters answer so.
    const hidden = ownPrivileges().seccomp;
    return unavailable(
      hidden
        ? 'this kernel has no bpf(2), or a filter of system calls hides it'
        : 'this kernel has no bpf(2)',
      `${hidden ? `${ALLOW_BPF}, or ` : ''}run a kernel built with CONFIG_BPF_SYSCALL=y`,
    );
  }
  if (error instanceof VerifierError) {
    return unavailable(
      `the kernel rejects the program: ${error.message}`,
      'report this line with the output of uname -r',
    );
  }
  if (error instanceof LayoutError) {
    return unavailable(error.message, 'run Linux 5.8 or later with CONFIG_TRACEPOINTS=y and CONFIG_NET=y');
  }
  if (error instanceof BtfError) {
    return unavailable(
      `/sys/kernel/btf/vmlinux is malformed: ${error.message}`,
      'report this line with the output of uname -r',
    );
  }
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
    return unavailable(
      'the kernel does not describe its types: there is no /sys/kernel/btf/vmlinux',
      'run a kernel built with CONFIG_DEBUG_INFO_BTF=y, and let /sys be seen',
    );
  }
  return unavailable(
    error instanceof Error ? error.message : String(error),
    'report this line with the output of uname -r',
  );
}

/** EPERM has many reasons: capabilities, a user namespace, a filter of system calls, a security module, a limit. */
function explainDenial(error: KernelError): Probe {
  const privileges = ownPrivileges();
  const { initialUserNamespace, effective, seccomp } = privileges;
  const lack =
    initialUserNamespace && effective.has('CAP_SYS_ADMIN')
      ? undefined
      : lackOfCapabilities(NEEDED, privileges);
  if (lack) return countsNone(lack);
  if (seccomp) {
    return unavailable(`a filter of system calls denies bpf(2) (${error.message})`, ALLOW_BPF);
  }
  return unavailable(
    `the kernel denies BPF although the capabilities are held (${error.message})`,
    'allow it in the security module (AppArmor, SELinux), and before Linux 5.11 set LimitMEMLOCK=infinity',
  );
}

function unavailable(missing: string, mend: string): Probe {
  return countsNone({ missing, mend });
}

function readIfAny(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
