import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Btf, BtfError, BtfKind } from './btf.ts';
import { BtfWriter } from './testing/btf-writer.ts';

const identifier = fc.stringMatching(/^[a-z_][a-z0-9_]{0,12}$/);
const i32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });

/** A file with one of everything. */
function sample(): BtfWriter {
  const w = new BtfWriter();
  const u8 = w.int('unsigned char', 1);
  const u16 = w.int('unsigned short', 2);
  const u32 = w.int('unsigned int', 4);
  const be16 = w.reference(BtfKind.typedef, '__be16', w.reference(BtfKind.const, '', u16));
  const inner = w.struct('', 4, [
    { name: 'protocol', type: be16, bits: 0 },
    { name: 'flag', type: u8, bits: 16, width: 3 },
    { name: 'later', type: u8, bits: 24, width: 0 },
  ]);
  const union = w.struct(
    '',
    4,
    [
      { name: '', type: inner, bits: 0 },
      { name: 'word', type: u32, bits: 0 },
    ],
    BtfKind.union,
  );
  const pointer = w.reference(BtfKind.pointer, '', u8);
  const skb = w.struct('sk_buff', 24, [
    { name: 'len', type: u32, bits: 0 },
    { name: '', type: union, bits: 32 },
    { name: 'head', type: pointer, bits: 64 },
    { name: 'tail', type: w.array(u8, u32, 8), bits: 128 },
  ]);
  const reason = w.enum('skb_drop_reason', { NOT_SPECIFIED: 2, MASK: 0xffff_0000 | 0 });
  const prototype = w.prototype([
    ['__data', w.reference(BtfKind.pointer, '', 0)],
    ['skb', w.reference(BtfKind.pointer, '', skb)],
    ['reason', reason],
  ]);
  w.reference(BtfKind.typedef, 'btf_trace_drop', w.reference(BtfKind.pointer, '', prototype));
  w.reference(BtfKind.function, 'drop', prototype);
  return w;
}

describe('Btf', () => {
  it('finds members, also inside anonymous structs and unions', () => {
    const btf = new Btf(sample().encode());
    expect(btf.member('sk_buff', 'len')).toEqual({ offset: 0, size: 4 });
    expect(btf.member('sk_buff', 'protocol')).toEqual({ offset: 4, size: 2 });
    expect(btf.member('sk_buff', 'later')).toEqual({ offset: 7, size: 1 });
    expect(btf.member('sk_buff', 'word')).toEqual({ offset: 4, size: 4 });
    expect(btf.member('sk_buff', 'head')).toEqual({ offset: 8, size: 8 });
    expect(btf.member('sk_buff', 'tail')).toEqual({ offset: 16, size: 0 });
  });

  it('knows no bit fields, no other members and no other structs', () => {
    const btf = new Btf(sample().encode());
    expect(btf.member('sk_buff', 'flag')).toBeUndefined();
    expect(btf.member('sk_buff', 'le')).toBeUndefined();
    expect(btf.member('sk_buf', 'len')).toBeUndefined();
    expect(btf.find(BtfKind.union, 'sk_buff')).toBeUndefined();
  });

  it('lists the parameters of functions and of typedefs of pointers to them', () => {
    const btf = new Btf(sample().encode());
    const parameters = [
      { name: '__data', type: 'void' },
      { name: 'skb', type: 'sk_buff' },
      { name: 'reason', type: 'skb_drop_reason' },
    ];
    expect(btf.parameters(BtfKind.typedef, 'btf_trace_drop')).toEqual(parameters);
    expect(btf.parameters(BtfKind.function, 'drop')).toEqual(parameters);
    expect(btf.parameters(BtfKind.typedef, '__be16')).toBeUndefined();
  });

  it('reads 64-bit and signed enums', () => {
    const w = new BtfWriter();
    w.enum64('wide', { A: 5n, B: 1n << 40n });
    w.enum64('wide_signed', { A: -2n }, true);
    w.enum('signed', { A: -1 }, true);
    w.enum('unsigned', { A: -1 });
    const btf = new Btf(w.encode());
    expect(btf.enumerators('wide')).toEqual([
      { name: 'A', value: 5 },
      { name: 'B', value: 2 ** 40 },
    ]);
    expect(btf.enumerators('wide_signed')).toEqual([{ name: 'A', value: -2 }]);
    expect(btf.enumerators('signed')).toEqual([{ name: 'A', value: -1 }]);
    expect(btf.enumerators('unsigned')).toEqual([{ name: 'A', value: 0xffff_ffff }]);
  });

  it("reads a module's enums, whose names may stand in vmlinux", () => {
    const base = sample();
    const module = new BtfWriter(base);
    module.enum('ovs_drop_reason', { OVS_DROP_LAST_ACTION: 0x20001 });
    const vmlinux = new Btf(base.encode());
    const btf = new Btf(module.encode(), vmlinux);
    expect(btf.enumNames('_drop_reason')).toEqual(['ovs_drop_reason']);
    expect(btf.enumerators('ovs_drop_reason')).toEqual([{ name: 'OVS_DROP_LAST_ACTION', value: 0x20001 }]);
    expect(btf.find(BtfKind.enum, 'ovs_drop_reason')).toBe(vmlinux.typeCount + 1);
    expect(btf.enumerators('skb_drop_reason')).toBeUndefined();
    expect(vmlinux.enumNames('_drop_reason')).toEqual(['skb_drop_reason']);
  });

  it('reads back any enums that were written', () => {
    const enums = fc.uniqueArray(fc.record({ name: identifier, values: fc.dictionary(identifier, i32) }), {
      selector: (entry) => entry.name,
    });
    fc.assert(
      fc.property(enums, (written) => {
        const w = new BtfWriter();
        for (const { name, values } of written) w.enum(name, values, true);
        const btf = new Btf(w.encode());
        expect(btf.typeCount).toBe(written.length);
        for (const { name, values } of written) {
          expect(btf.enumerators(name)).toEqual(
            Object.entries(values).map(([name, value]) => ({ name, value })),
          );
        }
      }),
    );
  });

  it('finds any member at any depth of anonymous structs', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { minLength: 1, maxLength: 20 }), (offsets) => {
        const w = new BtfWriter();
        let type = w.int('u32', 4);
        const last = offsets.length - 1;
        offsets.forEach((offset, i) => {
          const member = { name: i === 0 ? 'wanted' : '', type, bits: offset * 8 };
          type = w.struct(i === last ? 'outer' : '', 4000, [member]);
        });
        const sum = offsets.reduce((total, offset) => total + offset, 0);
        expect(new Btf(w.encode()).member('outer', 'wanted')).toEqual({ offset: sum, size: 4 });
      }),
    );
  });

  it('answers or throws a BtfError, whatever the bytes', () => {
    const good = sample().encode();
    const mutations = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(mutations, fc.nat(good.length), fc.boolean(), (changes, length, cut) => {
        const bytes = Buffer.from(cut ? good.subarray(0, length) : good);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        expectAnswerOrBtfError(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it('throws a BtfError with its code for bytes that are no BTF', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), expectAnswerOrBtfError));
    expect(() => new Btf(new Uint8Array(3))).toThrow(expect.objectContaining({ code: 'BTF_TRUNCATED' }));
    expect(() => new Btf(new Uint8Array(24))).toThrow(expect.objectContaining({ code: 'BTF_HEADER' }));
    const good = sample().encode();
    expect(() => new Btf(good.subarray(0, good.length - 1))).toThrow(
      expect.objectContaining({ code: 'BTF_TRUNCATED' }),
    );
  });

  it('does not follow structs and typedefs that refer to themselves', () => {
    const w = new BtfWriter();
    w.struct('loop', 4, [
      { name: '', type: 1, bits: 0 },
      { name: '', type: 1, bits: 0 },
    ]);
    w.reference(BtfKind.typedef, 'self', 2);
    w.struct('holder', 4, [{ name: 'member', type: 2, bits: 0 }]);
    const btf = new Btf(w.encode());
    expect(() => btf.member('loop', 'wanted')).toThrow(BtfError);
    expect(() => btf.member('holder', 'member')).toThrow(BtfError);
    expect(btf.parameters(BtfKind.typedef, 'self')).toBeUndefined();
  });
});

function expectAnswerOrBtfError(bytes: Uint8Array): void {
  try {
    const btf = new Btf(bytes);
    btf.member('sk_buff', 'protocol');
    btf.member('sk_buff', 'absent');
    btf.parameters(BtfKind.typedef, 'btf_trace_drop');
    btf.parameters(BtfKind.function, 'drop');
    btf.enumerators('skb_drop_reason');
    btf.enumNames('n');
  } catch (error) {
    expect(error).toBeInstanceOf(BtfError);
  }
}

const VMLINUX = '/sys/kernel/btf/vmlinux';

describe.skipIf(!existsSync(VMLINUX))(`Btf of this kernel (needs ${VMLINUX})`, () => {
  it('describes sk_buff as its uapi-stable parts are known', () => {
    const btf = new Btf(readFileSync(VMLINUX));
    expect(btf.member('sk_buff', 'next')).toEqual({ offset: 0, size: 8 });
    expect(btf.member('sk_buff', 'len')?.size).toBe(4);
    expect(btf.member('sk_buff', 'protocol')?.size).toBe(2);
    expect(btf.member('ethhdr', 'h_proto')).toEqual({ offset: 12, size: 2 });
    expect(btf.member('udphdr', 'check')).toEqual({ offset: 6, size: 2 });
    expect(
      btf.enumerators('bpf_map_type')?.find((entry) => entry.name === 'BPF_MAP_TYPE_PERCPU_HASH')?.value,
    ).toBe(5);
    expect(btf.parameters(BtfKind.typedef, 'btf_trace_kfree_skb')?.[1]).toEqual({
      name: '',
      type: 'sk_buff',
    });
  });
});
