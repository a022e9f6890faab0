import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describePacket, type FlowDescription, formatPacket } from './describe.ts';
import { Dissector } from './dissect.ts';
import { MOST_FLOWS, MOST_LAYERS, type Packet } from './packet.ts';
import { frames, ipPackets } from './testing/arbitrary.ts';
import type { Built } from './testing/built.ts';

const dissector = new Dissector();

/** Somewhere in a bigger buffer, as in a ring. */
function placed(bytes: Uint8Array): { buffer: Uint8Array; start: number } {
  const buffer = new Uint8Array(bytes.length + 40).fill(0x45);
  buffer.set(bytes, 17);
  return { buffer, start: 17 };
}

const packets = fc.oneof(
  frames(4).map((built) => ({ built, etherType: -1 })),
  ipPackets(4).map((built) => ({ built, etherType: built.etherType })),
);

function dissect(
  { etherType }: { etherType: number },
  bytes: Uint8Array,
  start: number,
  length: number,
): Packet {
  return etherType < 0
    ? dissector.frame(bytes, start, length)
    : dissector.network(etherType, bytes, start, length);
}

describe('Dissector', () => {
  it('finds what was built', () => {
    fc.assert(
      fc.property(packets, (packet) => {
        const { bytes, layers, flows } = packet.built;
        const { buffer, start } = placed(bytes);
        expect(describePacket(dissect(packet, buffer, start, bytes.length))).toEqual({ layers, flows });
      }),
      { numRuns: 500 },
    );
  });

  it('finds the headers before the place where a packet is cut off, and names the one that is cut', () => {
    fc.assert(
      fc.property(packets, (packet) => {
        const { built } = packet;
        for (let length = 0; length < built.bytes.length; length++) {
          const whole = built.ends.filter((end) => end <= length).length;
          const found = describePacket(dissect(packet, built.bytes, 0, length));
          expect(found.layers).toEqual(built.layers.slice(0, whole));
          expect(found.truncated).toBe(built.layers[whole]);
          expect(found.malformed).toBeUndefined();
          expect(found.too_deep).toBeUndefined();
          expectPart(found.flows, built);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('accepts any bytes, any place in them, and well-formed packets with bytes changed', () => {
    const mutated = fc
      .tuple(frames(3), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }))
      .map(([{ bytes }, changes]) => {
        const copy = Uint8Array.from(bytes);
        for (const [at, value] of changes) copy[at % copy.length] = value;
        return copy;
      });
    const anywhere = fc.oneof(
      fc.integer({ min: -5, max: 300 }),
      fc.constantFrom(Number.NaN, Infinity, -Infinity, 2 ** 40),
    );
    const etherTypes = fc.constantFrom(-1, 0x0800, 0x86dd, 0x0806, 0x8100, 0x88a8, 0x1234);
    fc.assert(
      fc.property(
        fc.oneof(mutated, fc.uint8Array({ maxLength: 256 })),
        anywhere,
        anywhere,
        etherTypes,
        (bytes, start, length, etherType) => {
          expectSound(dissect({ etherType }, bytes, 0, bytes.length), bytes.length);
          expectSound(dissect({ etherType }, bytes, start, length), bytes.length);
        },
      ),
      { numRuns: 3000 },
    );
  });
});

/** What a cut packet's flows say is what those of the whole one say, or less of it. */
function expectPart(found: readonly FlowDescription[], { flows }: Built): void {
  expect(found.length).toBeLessThanOrEqual(flows.length);
  for (const [depth, { vlans, ...flow }] of found.entries()) {
    expect(flows[depth]).toMatchObject(flow);
    if (vlans) expect(flows[depth]?.vlans?.slice(0, vlans.length)).toEqual(vlans);
  }
}

/** Bounded, inside the bytes, and fit to be shown. */
function expectSound(packet: Packet, length: number): void {
  expect(packet.layerCount).toBeLessThanOrEqual(MOST_LAYERS);
  expect(packet.flowCount).toBeLessThanOrEqual(MOST_FLOWS);
  for (let i = 0; i < packet.layerCount; i++) {
    expect(packet.offsets[i]).toBeLessThan(length);
    if (i > 0) expect(packet.offsets[i]).toBeGreaterThan(packet.offsets[i - 1] as number);
  }
  expect(describePacket(packet).layers.length).toBe(packet.layerCount);
  expect(formatPacket(packet)).not.toBe('');
}
