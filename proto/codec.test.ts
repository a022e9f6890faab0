import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkEntry } from './check.ts';
import { decodeEntry, encodeEntry } from './codec.ts';
import type { Namespace, Type } from './descriptor.ts';
import { anyEntry } from './testing/arbitrary.ts';
import { exampleEntries } from './testing/examples.ts';
import { plain } from './testing/plain.ts';

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

/** A claim whose lease is the given varint. */
const leaseOf = (varint: string) => {
  const field = `10${varint.replaceAll(' ', '')}`;
  return hex(`22 ${(field.length / 2).toString(16).padStart(2, '0')} ${field}`);
};

describe('every field', () => {
  const descriptor = JSON.parse(readFileSync(new URL('./gen/descriptor.json', import.meta.url), 'utf8'));
  const { nested }: Namespace = descriptor.nested.netfall.nested.v1;

  test('the examples leave no field of any message at its default', () => {
    const seen = new Set<string>();
    const visit = (value: object, typeName: string) => {
      for (const [field, { type }] of Object.entries((nested[typeName] as Type).fields)) {
        for (const part of [Reflect.get(value, field) as unknown].flat()) {
          if (part === undefined || part === null || part === '' || part === 0) continue;
          seen.add(`${typeName}.${field}`);
          if (typeof part === 'object' && type in nested) visit(part, type);
        }
      }
    };
    for (const { entry } of exampleEntries) visit(entry, 'Entry');
    const wanted = Object.entries(nested).flatMap(([name, type]) =>
      'fields' in type ? Object.keys(type.fields).map((field) => `${name}.${field}`) : [],
    );
    expect([...seen].sort()).toEqual(wanted.sort());
  });

  test.each(exampleEntries)('comes back with its exact value on $subject', ({ entry }) => {
    expect(plain(decodeEntry(encodeEntry(entry)))).toEqual(plain(entry));
  });

  test('arbitrary entries come back with their exact values, from any kind of array', () => {
    fc.assert(
      fc.property(anyEntry('c'), ({ entry }) => {
        const bytes = encodeEntry(entry);
        expect(plain(decodeEntry(bytes))).toEqual(plain(entry));
        expect(plain(decodeEntry(Uint8Array.from(bytes)))).toEqual(plain(entry));
      }),
    );
  });
});

test('of two fields of a oneof the last one stays', () => {
  const tick = encodeEntry({ tick: { replica: 'r-1' } });
  const claim = encodeEntry({ claim: { holder: 'r-2', lease_us: 5 } });
  expect(plain(decodeEntry(Buffer.concat([tick, claim])))).toEqual({ claim: { holder: 'r-2', lease_us: 5 } });
  expect(plain(decodeEntry(Buffer.concat([claim, tick])))).toEqual({ tick: { replica: 'r-1' } });
});

describe('the wire format stays what stored logs hold', () => {
  test.each([
    ['tick', '12 05 0a 03 72 2d 31', { tick: { replica: 'r-1' } }],
    [
      'epoch',
      '1a 0c 08 01 12 02 61 62 1a 01 63 22 01 64',
      { epoch: { fold_version: 1, config_digest: 'ab', catalog_digest: 'c', config: 'd' } },
    ],
    ['claim', '22 06 0a 01 72 10 80 01', { claim: { holder: 'r', lease_us: 128 } }],
    [
      'delivered',
      '2a 0e 0a 01 6e 12 01 73 1a 01 72 20 02 2a 01 65',
      { delivered: { notification_id: 'n', sink: 's', holder: 'r', attempts: 2, error: 'e' } },
    ],
    [
      'reading',
      // digest, parser_version; title to taint, with numbers that are 0 and there; modules, unlisted_modules
      '3a 44 0a 02 61 62 10 02 1a 3c 0a 01 74 12 01 61 1a 01 62 22 01 63 2a 01 64 32 03 31 3a 30 3a 01 70 ' +
        '42 0f 0a 01 66 10 00 1a 01 6d 20 01 28 01 32 01 6c 48 01 50 00 5a 01 71 60 00 68 00 72 01 47 7a 01 6e 80 01 03',
      {
        reading: {
          digest: 'ab',
          parser_version: 2,
          reading: {
            title: 't',
            alternates: ['a'],
            type: 'b',
            bug: 'c',
            corrupted: 'd',
            signature: '1:0',
            place: 'p',
            frames: [{ function: 'f', offset: 0, module: 'm', reliable: true, inline: true, passed: 'l' }],
            unlisted_frames: 1,
            guilty: 0,
            process: 'q',
            pid: 0,
            cpu: 0,
            taint: 'G',
            modules: ['n'],
            unlisted_modules: 3,
          },
        },
      },
    ],
    [
      'change',
      // id, kind, summary, at_us; an attribute, a host; by, url
      '42 1c 0a 01 69 12 01 6b 1a 01 73 20 07 2a 06 0a 01 61 12 01 76 32 01 68 3a 01 62 42 01 75',
      {
        change: {
          id: 'i',
          kind: 'k',
          summary: 's',
          at_us: 7,
          attributes: [{ key: 'a', value: 'v' }],
          hosts: ['h'],
          by: 'b',
          url: 'u',
        },
      },
    ],
    [
      'acknowledge',
      '4a 0b 0a 01 62 12 01 63 1a 03 0a 01 69',
      { command: { by: 'b', comment: 'c', acknowledge: { incident_id: 'i' } } },
    ],
    [
      'resolve',
      '4a 0b 0a 01 62 12 01 63 22 03 0a 01 69',
      { command: { by: 'b', comment: 'c', resolve: { incident_id: 'i' } } },
    ],
    [
      'comment_on',
      '4a 0b 0a 01 62 12 01 63 2a 03 0a 01 69',
      { command: { by: 'b', comment: 'c', comment_on: { incident_id: 'i' } } },
    ],
    [
      'silence',
      // by, comment; id, a matcher, from_us, until_us, maintenance
      '4a 1b 0a 01 62 12 01 63 32 13 0a 01 69 12 08 0a 01 6e 12 01 76 18 01 18 05 20 06 28 01',
      {
        command: {
          by: 'b',
          comment: 'c',
          silence: {
            id: 'i',
            matchers: [{ name: 'n', value: 'v', not: true }],
            from_us: 5,
            until_us: 6,
            maintenance: true,
          },
        },
      },
    ],
    [
      'end_silence',
      '4a 0b 0a 01 62 12 01 63 3a 03 0a 01 69',
      { command: { by: 'b', comment: 'c', end_silence: { id: 'i' } } },
    ],
    [
      'envelope',
      // cell, host_id, incarnation, seq, oldest_seq, boot_id, observed_us; a goodbye; a loss
      '0a 23 0a 01 63 12 01 68 1a 01 69 20 02 28 01 32 01 62 38 07 42 05 1a 03 0a 01 73 4a 08 0a 01 6b 12 01 6f 18 09',
      {
        envelope: {
          cell: 'c',
          host_id: 'h',
          incarnation: 'i',
          seq: 2,
          oldest_seq: 1,
          boot_id: 'b',
          observed_us: 7,
          items: [{ goodbye: { reason: 's' } }],
          losses: [{ source: 'k', hop: 'o', count: 9 }],
        },
      },
    ],
  ])('%s', (_kind, bytes, entry) => {
    expect(plain(decodeEntry(hex(bytes)))).toEqual(entry);
    expect(Buffer.from(encodeEntry(entry)).toString('hex')).toBe(bytes.replaceAll(' ', ''));
  });
});

describe('64-bit numbers', () => {
  test('2^53-1 is exact', () => {
    const entry = decodeEntry(leaseOf('ff ff ff ff ff ff ff 0f'));
    expect(entry.claim?.lease_us).toBe(Number.MAX_SAFE_INTEGER);
    expect(typeof entry.claim?.lease_us).toBe('number');
  });

  test.each([
    ['2^53', '80 80 80 80 80 80 80 10'],
    // Rounds to 2^53.
    ['2^53+1', '81 80 80 80 80 80 80 10'],
    ['2^63', '80 80 80 80 80 80 80 80 80 01'],
    ['2^64-1', 'ff ff ff ff ff ff ff ff ff 01'],
  ])('%s decodes, and is refused by the check wherever it stands', (_name, varint) => {
    const lease = decodeEntry(leaseOf(varint)).claim?.lease_us as number;
    expect(lease).toBeGreaterThanOrEqual(2 ** 53);
    const loss = { source: 's', hop: 'h', count: lease };
    const envelope = { cell: 'c', host_id: 'h', incarnation: 'i', boot_id: '', observed_us: 0, items: [] };
    const on = (part: object) =>
      checkEntry(
        { envelope: { ...envelope, seq: 1, oldest_seq: 1, losses: [], ...part } },
        'netfall.c.host.h',
      );
    expect(on({})).toBeNull();
    expect(on({ losses: [loss] })).toBe(`loss.count is ${lease}, not an integer from 0 to 9007199254740991`);
    expect(on({ seq: lease })).toBe(`envelope.seq is ${lease}, not an integer from 1 to 9007199254740991`);
  });

  test('a varint of more than ten bytes is no number', () => {
    expect(() => decodeEntry(leaseOf('ff ff ff ff ff ff ff ff ff ff 01'))).toThrow();
  });
});

describe('bytes that nobody vouches for', () => {
  /** Decodes, or throws an Error: nothing else may come of any bytes. */
  function decodes(bytes: Uint8Array): boolean {
    try {
      const entry = decodeEntry(bytes);
      // What decodes can be judged and encoded again.
      checkEntry(entry, 'netfall.c.tick');
      encodeEntry(entry);
      return true;
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
      return false;
    }
  }

  test('random bytes decode or throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        decodes(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  test('a valid entry with any bytes changed, cut or doubled decodes or throws', () => {
    fc.assert(
      fc.property(anyEntry('c'), fc.nat(), fc.nat(255), fc.nat(), ({ entry }, at, byte, cut) => {
        const bytes = Uint8Array.from(encodeEntry(entry));
        bytes[at % bytes.length] = byte;
        decodes(bytes);
        decodes(bytes.subarray(0, cut % bytes.length));
        decodes(Buffer.concat([bytes, bytes]));
      }),
    );
  });

  test('a length beyond the end throws', () => {
    expect(() => decodeEntry(hex('12 7f 0a'))).toThrow(RangeError);
    expect(() => decodeEntry(hex('12 ff ff ff ff 0f'))).toThrow();
  });

  test('groups nested without end are refused before the stack is', () => {
    const nested = (depth: number) => {
      const bytes = new Uint8Array(2 * depth).fill(0x7b, 0, depth).fill(0x7c, depth);
      return () => plain(decodeEntry(bytes));
    };
    expect(nested(50)()).toEqual({});
    expect(nested(250_000)).toThrow('max depth exceeded');
  });

  test('text that is no UTF-8 is refused, whatever kind of array holds it', () => {
    const bytes = hex('12 05 0a 03 41 ff 42');
    const surrogate = hex('12 05 0a 03 ed a0 80');
    for (const data of [bytes, surrogate, Buffer.from(bytes), Buffer.from(surrogate)]) {
      expect(() => decodeEntry(data)).toThrow('not valid');
    }
  });
});

describe('what a newer release wrote', () => {
  test('unknown fields of every wire type are passed over and not kept', () => {
    // Field 100: varint, 64 bits, length-delimited, group, 32 bits; before and after a tick, and within it.
    const unknown = 'a0 06 05  a1 06 0102030405060708  a2 06 02 ffff  a3 06 08 01 a4 06  a5 06 01020304';
    const within = (unknown.replaceAll(' ', '').length / 2 + 3).toString(16);
    const bytes = hex(`${unknown} 12 ${within} 0a 01 72 ${unknown} ${unknown}`);
    const entry = decodeEntry(bytes);
    expect(plain(entry)).toEqual({ tick: { replica: 'r' } });
    expect(Buffer.from(encodeEntry(entry)).toString('hex')).toBe('12030a0172');
  });

  test('a field whose wire type changed counts as unknown', () => {
    expect(plain(decodeEntry(hex('10 05')))).toEqual({});
  });

  test('enum values without a name are kept', () => {
    const sources = [{ name: 's', state: 200, detail: '', mend: '' }];
    const heartbeat = { agent_version: '', interval_ms: 1, sources, spool_messages: 0, spool_bytes: 0 };
    const envelope = {
      cell: 'c',
      host_id: 'h',
      incarnation: 'i',
      seq: 1,
      oldest_seq: 1,
      boot_id: '',
      observed_us: 0,
      items: [{ heartbeat }],
      losses: [],
    };
    const entry = decodeEntry(encodeEntry({ envelope }));
    expect(entry.envelope?.items[0]?.heartbeat?.sources[0]?.state).toBe(200);
    expect(checkEntry(entry, 'netfall.c.host.h')).toBeNull();
  });

  test('numbers that may be absent are null when they are', () => {
    const reading = decodeEntry(hex('3a 05 1a 03 0a 01 74')).reading?.reading;
    expect([reading?.title, reading?.guilty, reading?.pid, reading?.cpu]).toEqual(['t', null, null, null]);
    expect(decodeEntry(hex('3a 02 10 01')).reading?.reading).toBeNull();
  });

  test('of two kinds the later one counts', () => {
    expect(plain(decodeEntry(hex('12 03 0a 01 72  22 03 0a 01 68')))).toEqual({
      claim: { holder: 'h', lease_us: 0 },
    });
  });
});
