import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownCapabilities } from '../capabilities.ts';
import { assemble, Helper, r0, r1, r2, r3, r6 } from './assembler.ts';
import { BpfProgram, ProgramType } from './program.ts';
import { NO_WAKEUP, RingBuffer } from './ring-buffer.ts';

const works = process.platform === 'linux' && ownCapabilities().has('CAP_BPF');

/** A program that writes its first argument as a record of `length` bytes, and returns 1 if there was room. */
function writer(ring: RingBuffer, length: number): BpfProgram {
  return BpfProgram.load({
    type: ProgramType.rawTracepoint,
    name: 'ring_test',
    code: assemble((b) => {
      b.ldx(64, r6, r1, 0);
      b.loadMap(r1, ring.map);
      b.mov(r2, length);
      b.mov(r3, 0);
      b.call(Helper.ringbufReserve);
      b.jeq(r0, 0, 'full');
      b.stx(64, r0, 0, r6);
      b.mov(r1, r0);
      b.mov(r2, NO_WAKEUP);
      b.call(Helper.ringbufSubmit);
      b.mov(r0, 1);
      b.exit();
      b.label('full');
      b.mov(r0, 0);
      b.exit();
    }),
  });
}

describe.skipIf(!works)('RingBuffer (needs CAP_BPF and Linux 5.10)', () => {
  const SIZE = 4096;
  let resources: DisposableStack;
  let ring: RingBuffer;
  beforeEach(() => {
    resources = new DisposableStack();
    ring = resources.use(new RingBuffer(SIZE, 'ring_test'));
  });
  afterEach(() => resources.dispose());

  const write = (program: BpfProgram, value: number) =>
    program.run(BigUint64Array.of(BigInt(value)).buffer) === 1;

  function read(most?: number): { value: number; length: number }[] {
    const records: { value: number; length: number }[] = [];
    const bytes = Buffer.from(ring.bytes.buffer, ring.bytes.byteOffset);
    ring.read((start, length) => records.push({ value: bytes.readUInt32LE(start), length }), most);
    return records;
  }

  it('is empty at first, and after everything was read', () => {
    expect(read()).toEqual([]);
    write(resources.use(writer(ring, 8)), 7);
    expect(read()).toEqual([{ value: 7, length: 8 }]);
    expect(read()).toEqual([]);
  });

  it('says no when it is full, and takes records again once some were read', () => {
    const program = resources.use(writer(ring, 56));
    let written = 0;
    while (write(program, written)) written++;
    expect(written).toBe(SIZE / 64 - 1);
    expect(read(3).map(({ value }) => value)).toEqual([0, 1, 2]);
    for (let i = 0; i < 3; i++) expect(write(program, written + i)).toBe(true);
    expect(write(program, 0)).toBe(false);
    expect(read().map(({ value }) => value)).toEqual(Array.from({ length: written }, (_, i) => i + 3));
  });

  it('yields what was written, in order, over many rounds, whatever the lengths', () => {
    const lengths = [8, 12, 100, 1000];
    const programs = lengths.map((length) => resources.use(writer(ring, length)));
    let next = 0;
    const step = fc.oneof(
      fc.record({ write: fc.nat(lengths.length - 1) }),
      fc.record({ read: fc.integer({ min: 1, max: 20 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const expected: { value: number; length: number }[] = [];
        for (const todo of steps) {
          if ('read' in todo) {
            expect(read(todo.read)).toEqual(expected.splice(0, todo.read));
            continue;
          }
          if (write(programs[todo.write]!, next)) {
            expected.push({ value: next, length: lengths[todo.write]! });
          }
          next++;
        }
        expect(read()).toEqual(expected);
      }),
    );
  });

  it('has nothing to read when it is closed', () => {
    write(resources.use(writer(ring, 8)), 1);
    ring.close();
    expect(read()).toEqual([]);
  });

  it('refuses a size that is no power of two', () => {
    expect(() => new RingBuffer(SIZE * 3, 'ring_test')).toThrow('EINVAL');
  });
});
