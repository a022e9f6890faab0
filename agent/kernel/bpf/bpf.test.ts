import { describe, expect, it } from 'vitest';
import { ownCapabilities } from '../capabilities.ts';
import { possibleCpuCount } from '../cpus.ts';
import { KernelError } from '../libc.ts';
import { assemble, Helper, r0, r1, r2, r6, r10 } from './assembler.ts';
import { enableRunTimeStats, loadedProgramIds } from './bpf.ts';
import { BpfMap, MapReader, MapType, READ_ONLY_FOR_PROGRAM } from './map.ts';
import { BpfProgram, ProgramType, VerifierError } from './program.ts';

const privileged = process.platform === 'linux' && ownCapabilities().has('CAP_SYS_ADMIN');

const hash = (maxEntries: number) =>
  BpfMap.create({ type: MapType.hash, keyBytes: 4, valueBytes: 8, maxEntries, name: 'netfall test!' });
const u32 = (value: number) => Uint32Array.of(value).buffer;
const u64 = (value: bigint) => BigUint64Array.of(value).buffer;
const load = (code: ArrayBuffer) =>
  BpfProgram.load({ type: ProgramType.rawTracepoint, code, name: 'netfall_test' });

describe.skipIf(!privileged)('bpf(2) on this kernel (needs root)', () => {
  it('keeps what is put into a map', () => {
    using map = hash(4);
    map.update(u32(7), u64(1n << 60n));
    const value = new ArrayBuffer(8);
    map.lookup(u32(7), value);
    expect(new BigUint64Array(value)[0]).toBe(1n << 60n);
    expect(() => map.lookup(u32(8), value)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });

  it('says when a map is full', () => {
    using map = hash(1);
    map.update(u32(1), u64(1n));
    expect(() => map.update(u32(2), u64(2n))).toThrow(
      expect.objectContaining({ name: 'KernelError', code: 'E2BIG', syscall: 'bpf(BPF_MAP_UPDATE_ELEM)' }),
    );
  });

  it('reads every key once, again and again, in batches of any size', () => {
    using map = hash(1000);
    for (let key = 0; key < 777; key++) map.update(u32(key), u64(BigInt(key) * 3n));
    for (const batch of [64, 100, 1000, 5000]) {
      const reader = new MapReader(map, 8, batch);
      for (let pass = 0; pass < 2; pass++) {
        const seen = new Map<number, bigint>();
        reader.rewind();
        for (let count = reader.next(); count >= 0; count = reader.next()) {
          const keys = new Uint32Array(reader.keys);
          const values = new BigUint64Array(reader.values);
          for (let i = 0; i < count; i++) {
            expect(seen.has(keys[i]!)).toBe(false);
            seen.set(keys[i]!, values[i]!);
          }
        }
        expect(seen.size).toBe(777);
        expect([...seen].every(([key, value]) => value === BigInt(key) * 3n)).toBe(true);
        expect(reader.next()).toBe(-1);
      }
    }
  });

  it('reads an empty map', () => {
    using map = hash(4);
    const reader = new MapReader(map, 8, 4);
    reader.rewind();
    expect(reader.next()).toBe(0);
    expect(reader.next()).toBe(-1);
  });

  it('reads a value of every possible CPU', () => {
    using map = BpfMap.create({
      type: MapType.perCpuArray,
      keyBytes: 4,
      valueBytes: 8,
      maxEntries: 1,
      name: 'cpus',
    });
    const written = BigUint64Array.from({ length: possibleCpuCount() }, (_, cpu) => BigInt(cpu + 1));
    map.update(u32(0), written.buffer);
    const read = new BigUint64Array(possibleCpuCount());
    map.lookup(u32(0), read.buffer);
    expect(read).toEqual(written);
  });

  it('lets nobody write to a frozen map', () => {
    using map = BpfMap.create({
      type: MapType.array,
      keyBytes: 4,
      valueBytes: 8,
      maxEntries: 1,
      flags: READ_ONLY_FOR_PROGRAM,
      name: 'frozen',
    });
    map.freeze();
    expect(() => map.update(u32(0), u64(1n))).toThrow(expect.objectContaining({ code: 'EPERM' }));
  });

  it('runs a program that counts in a map, and says how often and how long', () => {
    using stats = enableRunTimeStats();
    expect(stats.fd).toBeGreaterThan(0);
    using map = hash(4);
    map.update(u32(0), u64(40n));
    using program = load(
      assemble((b) => {
        b.ldx(64, r6, r1, 0);
        b.stx(32, r10, -4, 0);
        b.loadMap(r1, map);
        b.mov(r2, r10);
        b.add(r2, -4);
        b.call(Helper.mapLookupElem);
        b.jeq(r0, 0, 'end');
        b.ldx(64, r1, r0, 0);
        b.add(r1, r6);
        b.stx(64, r0, 0, r1);
        b.mov(r0, 99);
        b.label('end');
        b.exit();
      }),
    );
    expect(program.run(u64(2n))).toBe(99);
    expect(program.run(u64(5n))).toBe(99);
    const value = new ArrayBuffer(8);
    map.lookup(u32(0), value);
    expect(new BigUint64Array(value)[0]).toBe(47n);
    // Twice, because the kernel reads the buffer that it answers in.
    const first = program.info();
    const second = program.info();
    expect(second).toEqual(first);
    expect(first.recursionMisses).toBe(0);
    expect(loadedProgramIds()).toContain(first.id);
  });

  it('shows what the verifier has to say', () => {
    const code = assemble((b) => {
      b.mov(r0, r6);
      b.exit();
    });
    expect(() => load(code)).toThrow(
      expect.objectContaining({
        name: 'KernelError',
        code: 'EACCES',
        message: expect.stringContaining('R6 !read_ok'),
      }),
    );
    expect(() => load(code)).toThrow(VerifierError);
  });

  it('attaches to a raw tracepoint and lets go of it', () => {
    const program = load(
      assemble((b) => {
        b.mov(r0, 0);
        b.exit();
      }),
    );
    const { id } = program.info();
    const link = program.attachRawTracepoint('sys_enter');
    expect(() => program.attachRawTracepoint('no_such_tracepoint')).toThrow(KernelError);
    program.close();
    // The link holds the program.
    expect(loadedProgramIds()).toContain(id);
    link.close();
    link.close();
    expect(() => link.fd).toThrow('FileDescriptor is closed');
  });
});
