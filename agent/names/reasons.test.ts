import { describe, expect, it } from 'vitest';
import { Btf } from '../kernel/btf.ts';
import { BtfWriter } from '../kernel/testing/btf-writer.ts';
import { ReasonNames } from './reasons.ts';

/** A kernel with the subsystems numbered as they happen to be on no real one. */
function vmlinux(): BtfWriter {
  const w = new BtfWriter();
  w.enum('skb_drop_reason', {
    SKB_NOT_DROPPED_YET: 0,
    SKB_CONSUMED: 1,
    SKB_DROP_REASON_NOT_SPECIFIED: 2,
    SKB_DROP_REASON_NO_SOCKET: 3,
    SKB_DROP_REASON_MAX: 4,
    SKB_DROP_REASON_SUBSYS_MASK: 0xffff_0000 | 0,
  });
  w.enum('skb_drop_reason_subsys', {
    SKB_DROP_REASON_SUBSYS_CORE: 0,
    SKB_DROP_REASON_SUBSYS_OPENVSWITCH: 4,
    SKB_DROP_REASON_SUBSYS_MAC80211_UNUSABLE: 5,
    SKB_DROP_REASON_SUBSYS_NUM: 6,
  });
  w.enum('mac80211_drop_reason', {
    RX_CONTINUE: 1,
    ___RX_DROP_UNUSABLE: 0x50000,
    ___RX_DROP_U_MIC_FAIL: 0x50001,
    RX_DROP_U_MIC_FAIL: 0x50001,
  });
  return w;
}

describe('ReasonNames', () => {
  const btf = new Btf(vmlinux().encode());

  it('names reasons of the core without their prefix', () => {
    const names = new ReasonNames(btf, () => undefined);
    expect(names.name(2)).toBe('NOT_SPECIFIED');
    expect(names.name(3)).toBe('NO_SOCKET');
    expect(names.name(1)).toBe('SKB_CONSUMED');
  });

  it('names reasons of a subsystem that is built in, whatever its number', () => {
    expect(new ReasonNames(btf, () => undefined).name(0x50001)).toBe('RX_DROP_U_MIC_FAIL');
  });

  it("asks for a module's BTF once it is needed, until it is there, and not again", () => {
    const base = vmlinux();
    const module = new BtfWriter(base);
    module.enum('ovs_drop_reason', { __OVS_DROP_REASON: 0x40000, OVS_DROP_LAST_ACTION: 0x40001 });
    const asked: string[] = [];
    let loaded = false;
    const names = new ReasonNames(btf, (subsystem) => {
      asked.push(subsystem);
      return loaded ? new Btf(module.encode(), btf) : undefined;
    });
    expect(names.name(0x40001)).toBe('OPENVSWITCH/1');
    loaded = true;
    expect(names.name(0x40001)).toBe('OVS_DROP_LAST_ACTION');
    expect(names.name(0x40002)).toBe('OPENVSWITCH/2');
    expect(asked).toEqual(['OPENVSWITCH', 'OPENVSWITCH']);
  });

  it('gives numbers a stable name that nothing describes', () => {
    const names = new ReasonNames(btf, () => undefined);
    expect(names.name(99)).toBe('CORE/99');
    expect(names.name(0x7_0003)).toBe('SUBSYS_7/3');
    expect(names.name(0xffff_0001)).toBe('SUBSYS_65535/1');
  });

  it('has numbers only where the kernel has no enums', () => {
    const empty = new BtfWriter();
    const names = new ReasonNames(new Btf(empty.encode()), () => undefined);
    expect(names.name(3)).toBe('SUBSYS_0/3');
  });

  it('has the numbers of names, those of modules too', () => {
    const module = new BtfWriter(vmlinux());
    module.enum('ovs_drop_reason', { OVS_DROP_LAST_ACTION: 0x40001 });
    const names = new ReasonNames(btf, (name) => {
      return name === 'OPENVSWITCH' ? new Btf(module.encode(), btf) : undefined;
    });
    const wanted = /^(NO_SOCKET|OVS_.*|RX_DROP_U_.*)$/;
    expect(names.numbers((name) => wanted.test(name))).toEqual([3, 0x50001, 0x40001]);
    expect(names.numbers(() => false)).toEqual([]);
  });
});
