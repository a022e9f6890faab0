import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeEntry } from '@netfall/proto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLastWord } from './last-word.ts';

let data: string;

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'netfall-word-'));
});

afterEach(() => rmSync(data, { recursive: true }));

const entry = { sequence: 7, timeUs: 1_800_000_000_000_000, subject: 'netfall.default.switches' };

describe('the last word', () => {
  it('is none in a folder that does not exist, and makes that', () => {
    const word = openLastWord(join(data, 'new'), 'switches.json');
    expect(word.read()).toBeUndefined();
    const said = { ...entry, data: encodeEntry({ switches: { switches: [], by: 'ann' } }) };
    word.write(said);
    expect(openLastWord(join(data, 'new'), 'switches.json').read()).toEqual(said);
  });

  it('is what was written last, whatever it says', () => {
    const word = openLastWord(data, 'switches.json');
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.nat(), (bytes, more) => {
        const said = { ...entry, sequence: 1 + more, data: bytes };
        word.write(said);
        expect({ ...word.read(), data: new Uint8Array(word.read()?.data ?? []) }).toEqual(said);
      }),
      { numRuns: 50 },
    );
    expect(existsSync(join(data, 'switches.json.new'))).toBe(false);
  });

  it('is an error when somebody else wrote it', () => {
    writeFileSync(join(data, 'switches.json'), '{"sequence":1');
    expect(() => openLastWord(data, 'switches.json').read()).toThrow(/^line 1: /);
  });
});
