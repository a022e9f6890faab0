import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Namespace } from '../../../test/load/namespace.ts';
import { ownCapabilities } from '../../kernel/capabilities.ts';
import { FileBuffer } from './files.ts';
import { NamespaceReader } from './namespaces.ts';
import { NOWHERE } from './reader.ts';

const works = ownCapabilities().has('CAP_SYS_ADMIN') && spawnSync('ip', ['netns', 'list']).status === 0;

describe.skipIf(!works)('NamespaceReader (needs root and iproute2)', () => {
  let root: string;
  let namespace: Namespace;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'netfall-namespaces-'));
    mkdirSync(join(root, 'run/netns'), { recursive: true });
    namespace = new Namespace('netfall-counters');
  });
  afterEach(() => {
    namespace[Symbol.dispose]();
    rmSync(root, { recursive: true });
  });

  /** What counters grew by since the last time, with their namespaces. */
  function read(reader: NamespaceReader): Record<string, number> {
    const grown: Record<string, number> = {};
    reader.read({
      ...NOWHERE,
      counter: (name, iface, delta, of = '') => {
        grown[[of, iface, name].filter(Boolean).join('/')] = delta;
      },
    });
    return grown;
  }

  it('tells what was lost in one that no process is in, and passes over files that stand for none', () => {
    writeFileSync(join(root, 'run/netns/left'), '');
    symlinkSync(`/run/netns/${namespace.name}`, join(root, 'run/netns/blue'));
    const reader = new NamespaceReader(root, new FileBuffer(), () => 0);
    expect(read(reader)).toEqual({});
    expect(read(reader)).toEqual({});
    execFileSync('ip', ['netns', 'exec', namespace.name, 'bash', '-c', 'echo > /dev/udp/127.0.0.1/9']);
    const grown = read(reader);
    expect(grown).toMatchObject({ 'netns blue/UdpNoPorts': 1 });
    // What counts no losses is not told.
    expect(grown).not.toHaveProperty('netns blue/UdpOutDatagrams');
    expect(read(reader)).toEqual({});
  });
});
