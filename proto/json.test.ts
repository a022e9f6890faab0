import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeEntry } from './codec.ts';
import { type EventLine, readEventLine, readEvents, writeEventLine } from './json.ts';
import { anyEntry } from './testing/arbitrary.ts';
import { exampleEntries } from './testing/examples.ts';

const CLAIM = { claim: { holder: 'r-1', lease_us: 15_000_000 } };
const line = (part: object) =>
  JSON.stringify({
    sequence: 7,
    time_us: 1_700_000_000_000_000,
    subject: 'netfall.c.claim',
    entry: CLAIM,
    ...part,
  });
const host = (envelope: object) =>
  line({
    subject: 'netfall.c.host.h',
    entry: { envelope: { cell: 'c', host_id: 'h', incarnation: 'i', seq: 1, oldest_seq: 1, ...envelope } },
  });
const events = (...items: object[]) => host({ items });

const anyEvent: fc.Arbitrary<EventLine> = fc
  .record({ at: anyEntry('c'), sequence: fc.integer({ min: 1 }), timeUs: fc.maxSafeNat() })
  .map(({ at, sequence, timeUs }) => {
    return { sequence, timeUs, subject: at.subject, data: encodeEntry(at.entry) };
  });

function same(actual: EventLine, expected: EventLine): void {
  const { data, ...rest } = expected;
  expect(actual).toEqual({ ...rest, data: expect.anything() });
  expect(Buffer.from(actual.data).toString('hex')).toBe(Buffer.from(data).toString('hex'));
}

describe('one line', () => {
  test('an entry by its field names, defaults left out', () => {
    const event = {
      sequence: 7,
      timeUs: 1_700_000_000_000_000,
      subject: 'netfall.c.claim',
      data: encodeEntry(CLAIM),
    };
    const text =
      '{"sequence":7,"time_us":1700000000000000,"subject":"netfall.c.claim",' +
      '"entry":{"claim":{"holder":"r-1","lease_us":15000000}}}';
    expect(writeEventLine(event)).toBe(text);
    same(readEventLine(text, 1), event);
    const given = { ...event, data: encodeEntry({ claim: { holder: 'r-1', lease_us: 0 } }) };
    expect(writeEventLine(given)).toContain('"entry":{"claim":{"holder":"r-1"}}}');
    same(readEventLine(writeEventLine(given), 1), given);
  });

  test('enum values by their names', () => {
    const text = events(
      { heartbeat: { interval_ms: 1, sources: [{ name: 'a', state: 'SOURCE_STATE_OFF' }, { name: 'b' }] } },
      { drop_report: { window_us: 1, drops: [{ reason: 'R', origin: 'DROP_ORIGIN_HARDWARE' }] } },
    );
    expect(writeEventLine(readEventLine(text, 1))).toBe(text);
  });

  test.each(exampleEntries)('$subject: the example reads as it was written', ({ entry, subject }) => {
    const event = { sequence: 1, timeUs: 0, subject, data: encodeEntry(entry) };
    const text = writeEventLine(event);
    expect(text).not.toContain('"raw"');
    same(readEventLine(text, 1), event);
  });

  test('any valid entry comes back with the same bytes, from one line', () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        const text = writeEventLine(event);
        expect(text).not.toContain('\n');
        same(readEventLine(text, 1), event);
      }),
    );
  });

  test('any bytes on any subject come back the same', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.string(), (data, subject) => {
        const event = { sequence: 1, timeUs: 0, subject, data };
        same(readEventLine(writeEventLine(event), 1), event);
      }),
    );
  });

  test('a changed entry comes back with the same bytes', () => {
    fc.assert(
      fc.property(anyEvent, fc.nat(), fc.nat(255), (event, at, byte) => {
        const data = Uint8Array.from(event.data);
        data[at % data.length] = byte;
        same(readEventLine(writeEventLine({ ...event, data }), 1), { ...event, data });
      }),
    );
  });

  test.each([
    ['no bytes at all', '', ''],
    ['an unknown field', '12030a01727807', 'EgMKAXJ4Bw=='],
    ['a default that was written out', '220a0a04722d31310a0010', 'IgoKBHItMTEKABA='],
    ['fields out of order', '220610050a0272 31'.replace(' ', ''), 'IgYQBQoCcjE='],
    ['a number beyond 2^53', '220d0a017210ffffffffffffffff7f', 'Ig0KAXIQ//////////9/'],
  ])('%s stands raw', (_name, hex, raw) => {
    const data = Buffer.from(hex, 'hex');
    const text = writeEventLine({ sequence: 1, timeUs: 0, subject: 'netfall.c.tick', data });
    expect(text).toBe(`{"sequence":1,"time_us":0,"subject":"netfall.c.tick","raw":"${raw}"}`);
    expect(Buffer.from(readEventLine(text, 1).data).toString('hex')).toBe(hex);
  });

  test('an entry on a subject that says otherwise stands raw', () => {
    const text = writeEventLine({
      sequence: 1,
      timeUs: 0,
      subject: 'netfall.c.tick',
      data: encodeEntry(CLAIM),
    });
    expect(JSON.parse(text)).toMatchObject({ raw: expect.any(String) });
  });

  test('an enum value that has no name stands raw', () => {
    const [example] = exampleEntries;
    const envelope = structuredClone(example?.entry.envelope);
    Reflect.set(envelope?.items[1]?.heartbeat?.sources[0] ?? {}, 'state', 77);
    const data = encodeEntry({ envelope: envelope ?? null });
    const text = writeEventLine({ sequence: 1, timeUs: 0, subject: 'netfall.tor-12.host.web-1', data });
    expect(JSON.parse(text)).toMatchObject({ raw: expect.any(String) });
    expect(Buffer.compare(readEventLine(text, 1).data, data)).toBe(0);
  });
});

describe('strict reading', () => {
  const cases: [string, string][] = [
    // The line itself.
    ['[1]', 'the line is not an object'],
    ['null', 'the line is not an object'],
    ['7', 'the line is not an object'],
    [line({ extra: 1 }), 'unknown field extra'],
    [line({ Sequence: 1 }), 'unknown field Sequence'],
    [`${line({}).slice(0, -1)},"__proto__":{}}`, 'unknown field __proto__'],
    [line({ entry: undefined }), 'either entry or raw is needed'],
    [line({ raw: '' }), 'either entry or raw is needed'],
    [line({ sequence: undefined }), 'sequence is missing, not an integer from 1 to 9007199254740991'],
    [line({ sequence: 0 }), 'sequence is 0, not an integer from 1 to 9007199254740991'],
    [line({ sequence: '7' }), 'sequence is "7", not an integer from 1 to 9007199254740991'],
    [line({ sequence: 1.5 }), 'sequence is 1.5, not an integer from 1 to 9007199254740991'],
    [line({ sequence: 2 ** 53 }), 'sequence is 9007199254740992, not an integer from 1 to 9007199254740991'],
    [line({ time_us: undefined }), 'time_us is missing, not an integer from 0 to 9007199254740991'],
    [line({ time_us: -1 }), 'time_us is -1, not an integer from 0 to 9007199254740991'],
    [line({ time_us: null }), 'time_us is null, not an integer from 0 to 9007199254740991'],
    [line({ subject: undefined }), 'subject is not a string'],
    [line({ subject: 7 }), 'subject is not a string'],
    [line({ entry: undefined, raw: 7 }), 'raw is not a string'],
    [line({ entry: undefined, raw: 'a' }), 'raw is not canonical base64'],
    [line({ entry: undefined, raw: 'EgMK\n' }), 'raw is not canonical base64'],
    [line({ entry: undefined, raw: 'EgM' }), 'raw is not canonical base64'],
    [line({ entry: undefined, raw: 'EgN=' }), 'raw is not canonical base64'],
    [line({ entry: undefined, raw: '_-8=' }), 'raw is not canonical base64'],
    // Fields.
    [line({ entry: null }), 'entry is not an object'],
    [line({ entry: [] }), 'entry is not an object'],
    [line({ entry: {} }), 'not exactly one kind is set'],
    [line({ entry: { ...CLAIM, tick: { replica: 'r' } } }), 'not exactly one kind is set'],
    [line({ entry: { clam: {} } }), 'unknown field entry.clam'],
    [line({ entry: { claim: null } }), 'entry.claim is not an object'],
    [line({ entry: { claim: { holder: 'r', leaseUs: 1 } } }), 'unknown field entry.claim.leaseUs'],
    [line({ entry: { claim: { holder: 'r', constructor: 1 } } }), 'unknown field entry.claim.constructor'],
    [line({ entry: { claim: { holder: 7 } } }), 'entry.claim.holder is not a string'],
    [line({ entry: { claim: { holder: null } } }), 'entry.claim.holder is not a string'],
    [
      line({ entry: { claim: { holder: 'r', lease_us: '1' } } }),
      'entry.claim.lease_us is "1", not an integer from 0 to 9007199254740991',
    ],
    [
      line({ entry: { claim: { holder: 'r', lease_us: -1 } } }),
      'entry.claim.lease_us is -1, not an integer from 0 to 9007199254740991',
    ],
    [
      line({ entry: { claim: { holder: 'r', lease_us: 2 ** 53 } } }),
      'entry.claim.lease_us is 9007199254740992, not an integer from 0 to 9007199254740991',
    ],
    [
      line({ subject: 'netfall.c.epoch', entry: { epoch: { fold_version: 2 ** 32 } } }),
      'entry.epoch.fold_version is 4294967296, not an integer from 0 to 4294967295',
    ],
    [host({ items: {} }), 'entry.envelope.items is not an array'],
    [host({ items: null }), 'entry.envelope.items is not an array'],
    [host({ items: [{}, 7] }), 'entry.envelope.items[1] is not an object'],
    [
      events({ inventory: { addresses: ['a', 1] } }),
      'entry.envelope.items[0].inventory.addresses[1] is not a string',
    ],
    [
      events({ drop_report: { window_us: 1, drops: [{ reason: 'R', evnts: 1 }] } }),
      'unknown field entry.envelope.items[0].drop_report.drops[0].evnts',
    ],
    [
      events({ drop_report: { window_us: 1, drops: [{ reason: 'R', origin: 'HARDWARE' }] } }),
      'entry.envelope.items[0].drop_report.drops[0].origin is "HARDWARE", not one of ' +
        'DROP_ORIGIN_UNSPECIFIED, DROP_ORIGIN_SOFTWARE, DROP_ORIGIN_HARDWARE',
    ],
    [
      events({ drop_report: { window_us: 1, drops: [{ reason: 'R', origin: 1 }] } }),
      'entry.envelope.items[0].drop_report.drops[0].origin is not a string',
    ],
    [
      events({ heartbeat: { interval_ms: 1, sources: [{ state: 'toString' }] } }),
      'entry.envelope.items[0].heartbeat.sources[0].state is "toString", not one of SOURCE_STATE_UNSPECIFIED, ' +
        'SOURCE_STATE_OK, SOURCE_STATE_DEGRADED, SOURCE_STATE_UNAVAILABLE, SOURCE_STATE_OFF',
    ],
    // The rules of check.ts.
    [line({ entry: { claim: {} } }), 'claim.holder "" is no id'],
    [line({ subject: 'netfall.c.tick' }), 'claim on subject netfall.c.tick'],
    [events({ goodbye: {}, heartbeat: { interval_ms: 1 } }), 'item with more than one kind'],
    [events({ goodbye: { reason: '\ud800' } }), 'goodbye.reason is no well-formed text'],
    [events({ heartbeat: {} }), 'heartbeat.interval_ms is 0, not an integer from 1 to 3600000'],
    [host({ seq: undefined }), 'envelope.seq is 0, not an integer from 1 to 9007199254740991'],
  ];

  test.each(cases)('%s', (text, message) => {
    expect(() => readEventLine(text, 12)).toThrow(
      expect.objectContaining({ name: 'EventFormatError', message: `line 12: ${message}`, line: 12 }),
    );
  });

  test('what is no JSON is named with its line', () => {
    for (const text of ['', '{', 'x', '{"sequence":1,}', `\ufeff${line({})}`]) {
      expect(() => readEventLine(text, 3)).toThrow(
        expect.objectContaining({
          name: 'EventFormatError',
          message: expect.stringMatching(/^line 3: /),
          line: 3,
        }),
      );
    }
  });

  test('a huge value does not make a huge message', () => {
    const error = (text: string) => {
      try {
        return String(readEventLine(text, 1));
      } catch (cause) {
        return String(cause);
      }
    };
    const huge = 'x'.repeat(100_000);
    expect(error(line({ sequence: [huge] })).length).toBeLessThan(300);
    expect(error(line({ [huge]: 1 })).length).toBeLessThan(300);
    expect(error(line({ entry: { claim: { [huge]: 1 } } })).length).toBeLessThan(300);
    expect(
      error(events({ drop_report: { window_us: 1, drops: [{ reason: 'R', origin: huge }] } })).length,
    ).toBeLessThan(400);
  });
});

describe('streams', () => {
  async function readAll(chunks: Iterable<string>): Promise<EventLine[]> {
    const read: EventLine[] = [];
    for await (const event of readEvents(asyncOf(chunks))) read.push(event);
    return read;
  }
  async function* asyncOf(chunks: Iterable<string>): AsyncGenerator<string> {
    yield* chunks;
  }
  const at = (sequence: number) => line({ sequence });

  test('lines come in order, whatever the last one ends with', async () => {
    for (const end of ['', '\n', '\n\n', '\r\n', '  \n']) {
      const read = await readAll([`${at(1)}\n${at(3)}\r\n\n${at(9)}${end}`]);
      expect(read.map(({ sequence }) => sequence)).toEqual([1, 3, 9]);
    }
  });

  test('nothing is an empty log', async () => {
    expect(await readAll([])).toEqual([]);
    expect(await readAll(['', '\n', ' \n'])).toEqual([]);
  });

  test('chunks may be cut at any place', async () => {
    const numbered = fc.array(anyEvent, { maxLength: 5 }).map((list) => {
      return list.map((event, i) => ({ ...event, sequence: i + 1 }));
    });
    const property = fc.asyncProperty(numbered, fc.array(fc.nat(), { maxLength: 8 }), async (list, cuts) => {
      const text = list.map((event) => `${writeEventLine(event)}\n`).join('');
      const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
      const chunks = [0, ...places].map((place, i) => text.slice(place, places[i]));
      expect(chunks.join('')).toBe(text);
      const read = await readAll(chunks);
      expect(read).toHaveLength(list.length);
      for (const [i, event] of list.entries()) same(read[i] as EventLine, event);
    });
    await fc.assert(property);
  });

  test('one character at a time', async () => {
    const read = await readAll(`${at(1)}\n${at(2)}`);
    expect(read.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  test.each<[string, string, string]>([
    ['twice the same sequence', `${at(5)}\n${at(5)}\n`, 'line 2: sequence 5 after 5'],
    ['a sequence that goes back', `${at(5)}\n\n\n${at(4)}`, 'line 4: sequence 4 after 5'],
    ['a wrong line', `${at(1)}\n\n${at(2)}\n{}\n${at(3)}`, 'line 4: either entry or raw is needed'],
    [
      'a wrong last line',
      `${at(1)}\n${line({ sequence: 2, time_us: -1 })}`,
      'line 2: time_us is -1, not an integer from 0 to 9007199254740991',
    ],
  ])('%s is named with its line, cut anywhere', async (_name, text, message) => {
    for (const size of [1, 7, text.length]) {
      const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
        text.slice(i * size, (i + 1) * size),
      );
      await expect(readAll(chunks)).rejects.toThrow(
        expect.objectContaining({ name: 'EventFormatError', message }),
      );
    }
  });

  test('what stood before a wrong line was given out', async () => {
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { sequence } of readEvents(asyncOf([`${at(1)}\n${at(2)}\n[]\n`]))) seen.push(sequence);
    })();
    await expect(reading).rejects.toThrow('line 3: the line is not an object');
    expect(seen).toEqual([1, 2]);
  });
});
