import { describe, expect, it } from 'vitest';
import {
  fleetTraffic,
  forgedTraffic,
  LONGEST_DATAGRAM,
  MOST_FORGED,
  TO_NETCONSOLE,
  TO_NETOOPS,
} from './crash-traffic.ts';
import type { Slots } from './datagrams.ts';
import { type Written, written } from './testing/written.ts';

const to = (destination: number) => (datagram: Written) => datagram.destination === destination;
const addresses = (datagrams: readonly Written[]) => datagrams.map(({ source }) => source.toString(16));

/** dump_id, packet_no and packet_count. */
function dumpOf({ bytes }: Written): { id: number; no: number; count: number } {
  expect(bytes.subarray(0, 6).toString('hex')).toBe('0200d9000200');
  expect(bytes.length).toBe(1241);
  return { id: bytes.readUInt16LE(6), no: bytes.readUInt32LE(14), count: bytes.readUInt32LE(10) };
}

/** The header of a message and what follows it. */
function messageOf({ bytes }: Written): { fields: string[]; body: string } {
  const text = bytes.toString('latin1');
  const semicolon = text.indexOf(';');
  return { fields: text.slice(0, semicolon).split(','), body: text.slice(semicolon + 1) };
}

describe('a fleet', () => {
  it('takes turns', () => {
    const sent = written(fleetTraffic({ hosts: 3, netoopsShare: 0.5, seed: 1 }), 6);
    expect(addresses(sent)).toEqual(['7f010000', '7f010001', '7f010002', '7f010000', '7f010001', '7f010002']);
    expect(sent.map(({ destination }) => destination)).toEqual([
      TO_NETCONSOLE,
      TO_NETOOPS,
      TO_NETCONSOLE,
      TO_NETOOPS,
      TO_NETCONSOLE,
      TO_NETOOPS,
    ]);
  });

  it.each([
    { netoopsShare: 0, netoops: 0 },
    { netoopsShare: 0.25, netoops: 2500 },
    { netoopsShare: 0.5, netoops: 5000 },
    { netoopsShare: 1, netoops: 10_000 },
  ])('sends $netoopsShare of it by netoops, every host', ({ netoopsShare, netoops }) => {
    const sent = written(fleetTraffic({ hosts: 10, netoopsShare, seed: 1 }), 10_000);
    expect(sent.filter(to(TO_NETOOPS)).length).toBe(netoops);
    const ofHost7 = sent.filter(({ source }) => source === 0x7f010007);
    expect(ofHost7.filter(to(TO_NETOOPS)).length).toBe(netoops / 10);
  });

  it('sends one dump after another, each three times, with an id of its own', () => {
    const sent = written(fleetTraffic({ hosts: 4, netoopsShare: 0.5, seed: 1 }), 4 * 2 * 12);
    // The third host's log has three pieces: its 12 datagrams are a dump and a third. Ids begin with the host's number.
    const dumps = sent
      .filter(({ source }) => source === 0x7f010002)
      .filter(to(TO_NETOOPS))
      .map(dumpOf);
    expect(dumps.map(({ id }) => id)).toEqual([...Array(9).fill(2), ...Array(3).fill(3)]);
    expect(dumps.map(({ no }) => no)).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
    expect(dumps.map(({ count }) => count)).toEqual(Array(12).fill(3));
  });

  it('repeats a dump byte for byte', () => {
    const sent = written(fleetTraffic({ hosts: 1, netoopsShare: 1, seed: 1 }), 6).map(({ bytes }) => bytes);
    const [one, two, three, next] = sent.map((bytes) => bytes.toString('hex'));
    expect([two, three]).toEqual([one, one]);
    expect(next).toBe(one!.replace('0200d90002000000', '0200d90002000100'));
  });

  it('has logs of one to eight pieces, every other one wrapped', () => {
    const sent = written(fleetTraffic({ hosts: 16, netoopsShare: 1, seed: 1 }), 16 * 9);
    const counts = sent.slice(0, 16).map((datagram) => dumpOf(datagram).count);
    expect(counts).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
    // Of two pieces, the newer one is the end of s2, 1000 bytes, and the older one all of s1, 224 bytes.
    const ofHost1 = sent.filter(({ source }) => source === 0x7f010001).slice(0, 2);
    const lengths = ofHost1.map(
      ({ bytes }) => bytes.subarray(217).toString('latin1').replace(/\0+$/, '').length,
    );
    expect(lengths).toEqual([1000, 224]);
  });

  it('counts messages, whose fragments follow one another', () => {
    const sent = written(fleetTraffic({ hosts: 1, netoopsShare: 0, seed: 1 }), 3000);
    const messages: { fields: string[]; body: string }[] = [];
    for (const { fields, body } of sent.map(messageOf)) {
      const fragment = /^ncfrag=(\d+)\/(\d+)$/.exec(fields[6] ?? '');
      const previous = messages.at(-1);
      if (fragment && fragment[1] !== '0') {
        expect(fields.slice(0, 6)).toEqual(previous!.fields.slice(0, 6));
        expect(Number(fragment[1])).toBe(previous!.body.length);
        previous!.body += body;
        if (previous!.body.length === Number(fragment[2])) continue;
      } else messages.push({ fields, body });
    }
    expect(messages.length).toBeLessThan(3000);
    // More than one cycle of texts.
    expect(messages.length).toBeGreaterThan(1024);
    for (const [i, { fields, body }] of messages.slice(0, -1).entries()) {
      const [release, priority, seq, uptimeUs, flags, caller] = fields;
      expect({ release, seq, uptimeUs, flags, caller }).toEqual({
        release: '6.12.48-amd64',
        seq: String(1_000_000_000 + i),
        uptimeUs: String(1_000_000_000_000 + i * 1000),
        flags: '-',
        caller: 'caller=T4242',
      });
      expect(priority).toMatch(/^[0-7]$/);
      expect(body).toMatch(new RegExp(`^[ -~]+\\n msgid=${1_000_000_000 + i}\\n$`));
    }
  });

  it('sends the same whichever datagram is asked for first', () => {
    const traffic = () => fleetTraffic({ hosts: 7, netoopsShare: 0.3, seed: 5 });
    const inOrder = written(traffic(), 500);
    const write = traffic();
    const backwards = written((slots, slot, n) => write(slots, slot, 499 - n), 500).reverse();
    expect(backwards).toEqual(inOrder);
  });
});

describe('forged senders', () => {
  const forged = (more: Partial<Parameters<typeof forgedTraffic>[0]> = {}) =>
    forgedTraffic({ addresses: 1_000_000, netoopsShare: 1, random: false, seed: 1, ...more });

  it('are a million different ones, and then the same again', () => {
    const seen = new Set<number>();
    let last = 0;
    const slots: Slots = {
      view: new DataView(new ArrayBuffer(LONGEST_DATAGRAM)),
      put: (_slot, _bytes, source) => {
        last = source;
        return 0;
      },
    };
    const write = forged();
    for (let n = 0; n < 1_000_000; n++) {
      write(slots, 0, n);
      seen.add(last);
    }
    expect(seen.size).toBe(1_000_000);
    write(slots, 0, 1_000_000);
    expect(last).toBe(0x7f10_0000);
    expect([...seen].every((source) => source >= 0x7f10_0000 && source < 0x7fff_ffff)).toBe(true);
  });

  it('can be every address there is', () => {
    // The step and their number have no common divisor, so that every address has its turn.
    const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
    const [first, second] = written(forged({ addresses: MOST_FORGED }), 2);
    expect(divisor(second!.source - first!.source, MOST_FORGED)).toBe(1);
  });

  it('send the first packet of a dump, or a message', () => {
    const sent = written(forged({ netoopsShare: 0.5 }), 200);
    const dumps = sent.filter(to(TO_NETOOPS)).map(dumpOf);
    expect(dumps.map(({ no }) => no)).toEqual(Array(100).fill(0));
    const messages = sent.filter(to(TO_NETCONSOLE)).map((datagram) => messageOf(datagram).fields[0]);
    expect(messages).toEqual(Array(100).fill('6.12.48-amd64'));
  });

  it('send random bytes of all lengths to both ports', () => {
    const sent = written(forged({ random: true, netoopsShare: 0.5 }), 2000);
    expect(sent.filter(to(TO_NETOOPS)).length).toBe(1000);
    const lengths = sent.map(({ bytes }) => bytes.length);
    expect(Math.min(...lengths)).toBeLessThan(10);
    expect(Math.max(...lengths)).toBeGreaterThan(LONGEST_DATAGRAM - 10);
    expect(new Set(sent.map(({ bytes }) => bytes.toString('hex'))).size).toBeGreaterThan(1000);
  });
});
