import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  readCrashCursor,
  readGroupCursor,
  readHostCursor,
  readIncidentCursor,
  writeCrashCursor,
  writeGroupCursor,
  writeHostCursor,
  writeIncidentCursor,
} from './cursor.ts';
import { ApiError } from './errors.ts';

const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);

test('a cursor leads back to where it was taken', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.maxSafeNat(), id, (isOpen, detectedUs, incident) => {
      const position = { isOpen, detectedUs, id: incident };
      expect(readIncidentCursor(writeIncidentCursor(position))).toEqual(position);
      expect(readHostCursor(writeHostCursor(incident))).toBe(incident);
      const crash = { atUs: detectedUs, id: incident };
      expect(readCrashCursor(writeCrashCursor(crash))).toEqual(crash);
      const group = { lastUs: detectedUs, signature: '1:0123456789abcdef' };
      expect(readGroupCursor(writeGroupCursor(group))).toEqual(group);
    }),
  );
});

test('any text is a cursor or is refused by code', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const read of [readIncidentCursor, readCrashCursor, readGroupCursor, readHostCursor]) {
        try {
          read(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError);
          expect((error as ApiError).code).toBe('invalid_cursor');
        }
      }
    }),
  );
  expect(() => readIncidentCursor(Buffer.from('open.9999999999999999.i1').toString('base64url'))).toThrow(
    'this cursor was not given by this list: leave it out to start over',
  );
});
