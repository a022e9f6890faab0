/** What must hold across entries of the catalog, beyond each entry's shape. Pure; says every fault, not the first. */
import type { Counter, DriverFile, Reason, Trap } from './schema.ts';

/** All entries by name, and the file and line that each stands in. */
export interface Entries {
  readonly reasons: ReadonlyMap<string, Reason>;
  readonly counters: ReadonlyMap<string, Counter>;
  readonly traps: ReadonlyMap<string, Trap>;
  /** By file. */
  readonly drivers: ReadonlyMap<string, DriverFile>;
  readonly files: ReadonlyMap<string, string>;
}

type Shared = Pick<Reason, 'lost' | 'condition' | 'alarm' | 'severity'>;

/** One line a fault: the file, the entry and what is wrong. Empty when all is well. */
export function faultsOf(entries: Entries): string[] {
  const { reasons, counters, traps, files } = entries;
  const faults: string[] = [];
  const at = (name: string, fault: string) => faults.push(`${files.get(name)}: ${name}: ${fault}`);
  const known = (name: string) => reasons.has(name) || counters.has(name) || traps.has(name);

  for (const [name, entry] of [...reasons, ...counters, ...traps]) {
    for (const fault of sharedFaults(entry)) at(name, fault);
    for (const other of entry.see ?? []) {
      if (!known(other)) at(name, `see: ${other} is not in the catalog`);
      if (other === name) at(name, 'see: names itself');
    }
    for (const alias of entry.aliases ?? []) {
      if (known(alias)) at(name, `aliases: ${alias} has an entry of its own`);
    }
  }
  for (const [name, { counted_by, places }] of reasons) {
    const rows = [...counted_by, ...Object.values(places ?? {}).flatMap((place) => place.counted_by ?? [])];
    for (const { counter } of rows) {
      if (!counters.has(counter)) at(name, `counted_by: ${counter} is not a counter of the catalog`);
    }
    for (const [fn, place] of Object.entries(places ?? {})) {
      // A place that is never or always a loss does not go by the condition of the rest.
      const { condition, ...rest } = { ...reasons.get(name)!, ...place };
      const own = rest.lost === 'sometimes' ? condition : place.condition;
      for (const fault of sharedFaults({ ...rest, ...(own !== undefined && { condition: own }) }))
        at(name, `places: ${fn}: ${fault}`);
    }
  }
  for (const [name, { part_of }] of counters) {
    for (const sum of part_of ?? []) {
      if (!counters.has(sum)) at(name, `part_of: ${sum} is not a counter of the catalog`);
      else if (counters.get(sum)!.part_of?.includes(name)) at(name, `part_of: ${sum} is a part of it, too`);
      else if (part_of?.some((other) => counters.get(other)?.part_of?.includes(sum)))
        at(name, `part_of: ${sum} is the sum of another one here, and follows from it`);
    }
  }
  for (const [name, { reason }] of traps) {
    if (reason !== undefined && !reasons.has(reason)) at(name, `reason: ${reason} is not in the catalog`);
  }
  return [...faults, ...driverFaults(entries)];
}

function driverFaults({ counters, drivers }: Entries): string[] {
  const faults: string[] = [];
  const used = new Set<string>();
  for (const [path, file] of drivers) {
    if (!path.endsWith(`/${file.driver}.yaml`))
      faults.push(`${path}: driver: its file is named ${file.driver}.yaml`);
    for (const [name, patterns] of Object.entries({ ...file.counters, '': file.ignored ?? [] })) {
      if (name !== '' && !counters.has(name)) faults.push(`${path}: ${name} is not a counter of the catalog`);
      used.add(name);
      for (const pattern of patterns) {
        if (!isPattern(pattern)) faults.push(`${path}: ${pattern} is not a regular expression`);
      }
    }
  }
  for (const name of counters.keys()) {
    if (name.startsWith('nic_') && !used.has(name)) faults.push(`${name}: no driver's file names it`);
  }
  return faults;
}

function isPattern(pattern: string): boolean {
  try {
    new RegExp(pattern);
    return true;
  } catch {
    return false;
  }
}

function sharedFaults({ lost, condition, alarm, severity }: Shared): string[] {
  const faults: string[] = [];
  if ((lost === 'sometimes') !== (condition !== undefined)) {
    faults.push('condition: goes with `lost: sometimes`, and only with it');
  }
  if ((alarm === 'never') !== (severity === 'info')) {
    faults.push('severity: `info` goes with `alarm: never`, and only with it');
  }
  return faults;
}
