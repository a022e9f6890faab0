import { describe, expect, it } from 'vitest';
import { firstEtherType, SampleReader } from './sample.ts';
import { writeSample } from './testing/sample-writer.ts';

const AT = 8;
const NAMESPACE = 0xf000_0001;

function read(record: Uint8Array) {
  const ring = new Uint8Array(AT + record.length + 16).fill(0x45);
  ring.set(record, AT);
  return new SampleReader(ring).read(AT, record.length);
}

describe('SampleReader', () => {
  it('reads what the program wrote', () => {
    const sample = read(
      writeSample({
        timeNs: 5_000_001_999n,
        etherType: 0x0800,
        length: 1028,
        arrivedOn: 3,
        namespace: NAMESPACE,
        deviceIndex: 4,
        start: 64,
        data: 78,
        mac: 64,
        network: 78,
        packet: Uint8Array.of(1, 2, 3),
      }),
    );
    const { bytes, ...rest } = sample;
    expect(rest).toEqual({
      monotonicUs: 5_000_001,
      start: AT + 56,
      copied: 3,
      mac: true,
      network: 14,
      etherType: 0x0800,
      length: 1042,
      arrivedOn: 3,
      namespace: NAMESPACE,
      deviceIndex: 4,
    });
    expect([...bytes.subarray(rest.start, rest.start + 3)]).toEqual([1, 2, 3]);
  });

  it('believes no record that claims more bytes than it has', () => {
    const packet = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    expect(read(writeSample({ packet, copied: 0xffff_ffff })).copied).toBe(8);
  });

  it('believes no namespace and device that cannot be', () => {
    expect(read(writeSample({ namespace: 77, deviceIndex: 4 }))).toMatchObject({
      namespace: 0,
      deviceIndex: 0,
    });
  });
});

describe('firstEtherType', () => {
  it.each([
    ['an Ethernet header', { mac: 64, network: 78, start: 64 }, 0],
    ['a MAC header that is none of Ethernet', { mac: 64, network: 70, start: 64 }, -1],
    ['what the kernel says', { etherType: 0x86dd }, 0x86dd],
    ['IPv4 by its version', { packet: Uint8Array.of(0x45) }, 0x0800],
    ['IPv6 by its version', { etherType: 0xffff, packet: Uint8Array.of(0x60) }, 0x86dd],
    ['nothing by another version', { packet: Uint8Array.of(0x50) }, -1],
    [
      'nothing when no byte was copied, whatever stands there',
      { packet: Uint8Array.of(0x45), copied: 0 },
      -1,
    ],
  ])('tells %s', (_, written, etherType) => {
    expect(firstEtherType(read(writeSample(written)))).toBe(etherType);
  });
});
