import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BtfWriter } from '../../kernel/testing/btf-writer.ts';
import { tableEntries } from './load.ts';
import { probeKfreeSkb } from './probe.ts';

describe.skipIf(process.platform !== 'linux')('probeKfreeSkb (needs Linux)', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'netfall-root-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function put(path: string, content: string | Uint8Array): void {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }

  it('names a kernel without BTF', () => {
    expect(probeKfreeSkb({ root })).toEqual({
      state: 'unavailable',
      detail: 'counts no drops',
      missing: 'the kernel does not describe its types: there is no /sys/kernel/btf/vmlinux',
      mend: 'run a kernel built with CONFIG_DEBUG_INFO_BTF=y, and let /sys be seen',
    });
  });

  it('names lockdown before it tries anything', () => {
    put('sys/kernel/security/lockdown', 'none integrity [confidentiality]\n');
    expect(probeKfreeSkb({ root })).toMatchObject({
      state: 'unavailable',
      mend: 'boot with lockdown=integrity',
    });
  });

  it('goes on under lockdown in integrity mode', () => {
    put('sys/kernel/security/lockdown', 'none [integrity] confidentiality\n');
    expect(probeKfreeSkb({ root }).missing).toContain('vmlinux');
  });

  it('names BTF that cannot be read, and BTF without the tracepoint', () => {
    put('sys/kernel/btf/vmlinux', 'not BTF, but longer than a header is');
    expect(probeKfreeSkb({ root }).missing).toBe(
      '/sys/kernel/btf/vmlinux is malformed: BTF: magic 0x6f6e is not 0xeb9f',
    );
    put('sys/kernel/btf/vmlinux', new BtfWriter().encode());
    expect(probeKfreeSkb({ root }).missing).toBe('this kernel has no tracepoint skb:kfree_skb');
  });
});

describe('tableEntries', () => {
  it('is what was asked for, where that is affordable', () => {
    expect(tableEntries({}, 2)).toBe(10_240);
    expect(tableEntries({ maxEntries: 4 }, 2)).toBe(4);
  });

  it('is less on machines with many CPUs', () => {
    expect(tableEntries({}, 512)).toBe(Math.floor((32 * 1024 * 1024) / (96 + 512 * 32)));
    expect(tableEntries({ maxTableBytes: 1 }, 512)).toBe(1);
  });
});
