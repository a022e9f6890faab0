/**
 * Who was at it, and on what machine, by a report's own lines. Pure. Formats: dump_stack_print_info(), show_regs() and its
 * like, print_modules(), print_tainted().
 */
import type { Message } from './lines.ts';
import type { Report } from './report.ts';
import { taintMeanings } from './taint.ts';

type Facts = Pick<
  Report,
  'process' | 'pid' | 'cpu' | 'kernel' | 'taint' | 'hardware' | 'modules' | 'registers' | 'code'
>;

const MOST_MODULES = 512;
const MOST_REGISTERS = 64;

// "CPU: 0 PID: 185 Comm: sh Not tainted 6.12.117 #1", "CPU: 0 UID: 0 PID: 185 Comm: sh Tainted: G W 6.12.117 #1 Debian …".
const WHO =
  /^CPU: (\d{1,5}) (?:UID: \d{1,10} )?PID: (\d{1,10}) Comm: (.{1,64}?) (?:Kdump: loaded )?(Not tainted|Tainted: [A-Z +]{1,60}?) (\d{1,3}\.\d{1,4}\S{0,80})/;
/** "4.9.40-ged32335 #11 Not tainted", of lockdep, and "      Not tainted 4.9.40 #11", of hung tasks. */
const TAINT_FIRST = /^\s*(Not tainted|Tainted: [A-Z ]{1,60}?) (\d{1,3}\.\d{1,4}\S{0,80})/;
const TAINT_LAST = /^(\d{1,3}\.\d{1,4}\S{0,80}) #.{1,40} (Not tainted|Tainted: [A-Z ]{1,60})$/;
const STUCK = /CPU#(\d{1,5}) stuck for \d+s! \[(.{1,64}):(\d{1,10})\]/;
const HUNG = /^INFO: task (.{1,64}):(\d{1,10}) (?:blocked|can't die)/;
const HARDWARE = /^Hardware name: (.{1,200})/;
const MODULES = /^Modules linked in: ?(.*)/;
const CODE = /^Code: (.{1,1000})/;
const REGISTERS =
  /\b([A-Z][A-Z0-9_]{1,7}|x\d{1,2}|[rs]\d{1,2}|sp|lr|pc|pstate|fp) ?: ?([0-9a-f]{4,16}(?::[^ ]{1,120})?)\b/g;
const POINTER = /^([RE]?IP|pc|lr)\s?: (\S.{0,160})/;

/** Reads them off a report; what it does not say is looked for in the rest of the log. */
export function factsOf(body: readonly Message[], log: readonly Message[]): Facts {
  const facts = readFacts(body);
  return {
    ...facts,
    kernel: facts.kernel || kernelOf(log),
  };
}

type Who = Pick<Facts, 'process' | 'pid' | 'cpu' | 'kernel'> & { readonly flags: string };

function readFacts(body: readonly Message[]): Facts {
  let who: Who = {
    process: '',
    pid: null,
    cpu: null,
    kernel: '',
    flags: '',
  };
  let known = false;
  let hardware = '';
  let code = '';
  let modules: readonly string[] = [];
  const registers: Record<string, string> = {};
  let many = 0;
  for (const { text } of body) {
    if (text === '') continue;
    const is = WHO.exec(text);
    if (is && !known) {
      // Of a task that hangs somebody else tells.
      const other = who.pid !== null && who.pid !== Number(is[2]);
      who = {
        ...(other ? who : { cpu: Number(is[1]), pid: Number(is[2]), process: is[3] ?? '' }),
        flags: flagsOf(is[4] ?? ''),
        kernel: is[5] ?? '',
      };
      known = true;
      continue;
    }
    if (!known) who = completed(who, partOf(text));
    hardware ||= HARDWARE.exec(text)?.[1]?.trim() ?? '';
    code ||= CODE.exec(text)?.[1]?.trim() ?? '';
    if (modules.length === 0) modules = modulesOf(MODULES.exec(text)?.[1] ?? '');
    const pointer = POINTER.exec(text);
    if (pointer) {
      const [, name = '', value = ''] = pointer;
      if (!(name in registers) && many++ < MOST_REGISTERS) registers[name] = value;
      continue;
    }
    for (const [, name = '', value = ''] of text.matchAll(REGISTERS)) {
      if (many >= MOST_REGISTERS) break;
      if (name in registers) continue;
      registers[name] = value;
      many++;
    }
  }
  const { flags, ...rest } = who;
  return { ...rest, taint: { flags, meanings: taintMeanings(flags) }, hardware, modules, registers, code };
}

/** The first that is said of each counts: of several tasks that hang, the first. */
function completed(who: Who, part: Partial<Who>): Who {
  const { process = '', pid = null, cpu = null, kernel = '', flags = '' } = part;
  return {
    ...(who.pid === null ? { process, pid, cpu } : { process: who.process, pid: who.pid, cpu: who.cpu }),
    kernel: who.kernel || kernel,
    flags: who.flags || flags,
  };
}

/** What lines say that tell less than all of it. */
function partOf(text: string): Partial<Who> {
  const stuck = STUCK.exec(text);
  if (stuck) return { cpu: Number(stuck[1]), process: stuck[2] ?? '', pid: Number(stuck[3]) };
  const hung = HUNG.exec(text);
  if (hung) return { process: hung[1] ?? '', pid: Number(hung[2]) };
  const first = TAINT_FIRST.exec(text);
  if (first) return { flags: flagsOf(first[1] ?? ''), kernel: first[2] ?? '' };
  const last = TAINT_LAST.exec(text);
  if (last) return { flags: flagsOf(last[2] ?? ''), kernel: last[1] ?? '' };
  return {};
}

function flagsOf(said: string): string {
  return said.startsWith('Tainted: ') ? said.slice('Tainted: '.length).replaceAll(/[^A-Z]/g, '') : '';
}

function kernelOf(log: readonly Message[]): string {
  let found = '';
  for (const { text } of log) {
    if (text.startsWith('Linux version ')) found = /^Linux version (\S{1,80}) /.exec(text)?.[1] ?? found;
  }
  return found;
}

function modulesOf(said: string): readonly string[] {
  const names: string[] = [];
  for (const [, name = ''] of said.matchAll(/(?:^|\s)([A-Za-z0-9_-]{1,64})(?:\([A-Z+-]{1,20}\))?(?=\s|$)/g)) {
    if (names.length === MOST_MODULES) break;
    names.push(name);
  }
  return names;
}
