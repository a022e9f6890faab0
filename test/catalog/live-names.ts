/**
 * Every name of a drop reason or a counter that the running kernel exposes, by where it stands. Run as a program, in VMs,
 * it prints them as JSON.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ReasonNames } from '../../agent/names/reasons.ts';
import { FileBuffer, FileReader, ownFiles } from '../../agent/sources/counters/files.ts';
import { type Counter, Growth } from '../../agent/sources/counters/growth.ts';
import { InterfaceReader } from '../../agent/sources/counters/interfaces.ts';
import { QdiscReader } from '../../agent/sources/counters/qdiscs.ts';
import { NOWHERE } from '../../agent/sources/counters/reader.ts';
import { readBtf, readModuleBtf } from '../../agent/sources/kfree-skb/load.ts';

/** Names by the place that has them. */
export type LiveNames = Readonly<Record<string, readonly string[]>>;

/** The place of reasons; all others have counters. */
export const REASONS = 'drop reasons';

/** Needs BTF, netlink and /proc. The modules that are loaded, and the interfaces that there are, add to it. */
export function liveNames(): LiveNames {
  return { [REASONS]: reasons(), ...tables(), interfaces: statistics(), 'the source counters': published() };
}

/** Enumerators that are bounds and no reasons. */
const BOUND = /^(MAX|SUBSYS_MASK|OVS_DROP_MAX|(__)?OVS_DROP_REASON)$/;

function reasons(): string[] {
  const names: string[] = [];
  new ReasonNames(readBtf(''), (subsystem) => readModuleBtf('', subsystem)).numbers((name) => {
    if (!BOUND.test(name)) names.push(name);
    return false;
  });
  return names;
}

/** Columns and lines of files, as they are there, levels included. Not as the agent parses them, so as to check that too. */
function tables(): LiveNames {
  const stat = readdirSync('/proc/net/stat').map((file) => [
    `stat/${file}`,
    linesOf(`stat/${file}`)[0]!
      .trim()
      .split(/\s+/)
      .map((column) => `${file}_${column}`),
  ]);
  const pairs = ['snmp', 'netstat'].map((file) => [
    file,
    linesOf(file)
      .filter((_, i) => i % 2 === 0)
      .flatMap((line) => {
        const [group, ...columns] = line.trim().split(' ');
        return columns.map((column) => group!.slice(0, -1) + column);
      }),
  ]);
  const lists = ['snmp6', 'xfrm_stat', 'sctp/snmp']
    .filter((file) => existsSync(join('/proc/net', file)))
    .map((file) => [file, linesOf(file).map((line) => line.split(/\s/)[0]!)]);
  return Object.fromEntries([...stat, ...pairs, ...lists]);
}

function linesOf(file: string): string[] {
  return readFileSync(join('/proc/net', file), 'latin1').trimEnd().split('\n');
}

function statistics(): string[] {
  return readdirSync('/sys/class/net/lo/statistics');
}

/** What an agent calls the counters that it reads here. */
function published(): string[] {
  const names = new Set<string>();
  class NotedGrowth extends Growth {
    override add(counter: Counter, fromZero: boolean): number {
      names.add(counter.name);
      return super.add(counter, fromZero);
    }
  }
  const growth = new NotedGrowth();
  new FileReader(
    growth,
    ownFiles(growth, () => true),
    new FileBuffer(),
  ).read('/proc/net', NOWHERE);
  for (const reader of [new InterfaceReader(growth, () => true), new QdiscReader(growth)]) {
    reader.read(NOWHERE);
    reader.close();
  }
  return [...names];
}

if (import.meta.main) console.log(JSON.stringify(liveNames()));
