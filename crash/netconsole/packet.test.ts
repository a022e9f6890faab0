import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetconsolePacket } from './packet.ts';

const packet = new NetconsolePacket();

function read(text: string) {
  const bytes = Buffer.from(`##${text}##`);
  const ok = packet.read(bytes, 2, bytes.length - 2);
  if (!ok) return null;
  const { isExtended, priority, seq, uptimeUs, fragmentOffset, fragmentLength } = packet;
  const release = bytes.toString('latin1', packet.releaseStart, packet.releaseEnd);
  const body = bytes.toString('latin1', packet.bodyStart, packet.bodyEnd);
  return { isExtended, release, priority, seq, uptimeUs, fragmentOffset, fragmentLength, body };
}

const basic = (body: string) => ({
  ...{ isExtended: false, release: '', priority: 0, seq: 0, uptimeUs: 0 },
  ...{ fragmentOffset: 0, fragmentLength: 0, body },
});

describe('a datagram', () => {
  it.each([
    [
      '6,416,1758426,-;text\n KEY=value\n',
      { priority: 6, seq: 416, uptimeUs: 1758426, body: 'text\n KEY=value\n' },
    ],
    ['4,1,0,c,caller=T12;x', { priority: 4, seq: 1, body: 'x' }],
    [
      '6.12.57+deb12-amd64,30,7,9,-;x',
      { release: '6.12.57+deb12-amd64', priority: 30, seq: 7, uptimeUs: 9, body: 'x' },
    ],
    ['6,416,1758426,-,ncfrag=0/31;the first chunk,', { fragmentLength: 31, body: 'the first chunk,' }],
    [
      '6,416,1758426,-,ncfrag=16/31; the 2nd chunk.',
      { fragmentOffset: 16, fragmentLength: 31, body: ' the 2nd chunk.' },
    ],
    ['6,416,1758426,-,caller=C1,ncfrag=16/31; the 2nd chunk.', { fragmentOffset: 16, fragmentLength: 31 }],
    ['6,1,2,-;', { seq: 1, body: '' }],
  ])('%j is extended', (text, expected) => {
    expect(read(text)).toMatchObject({ isExtended: true, ...expected });
  });

  it.each([
    '[    1.234567] text\n',
    '6,416,1758426,-',
    '6,416,1758426;x',
    ',416,1758426,-;x',
    'a b,6,416,1758426,-;x',
    '6,,1,-;x',
    '6,1234567890123456,1,-;x',
    '6,1,2,-,ncfrag=1;x',
    '6,1,2,-,ncfrag=1/0;x',
    'x',
  ])('%j is basic', (text) => {
    expect(read(text)).toEqual(basic(text));
  });

  it.each(['6,1,2,-,ncfrag=30/31;ab', '6,1,2,-,ncfrag=0/9999999;ab'])('%j cannot be', (text) => {
    expect(read(text)).toBe(null);
  });

  it('is read within its bounds, whatever it is', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.stringMatching(/^[0-9a-z.]{0,4}[,;=/0-9nf-]{0,30}$/).map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(bytes, fc.uint8Array({ maxLength: 20 }), (datagram, behind) => {
        const ok = packet.read(Buffer.concat([datagram, behind]), 0, datagram.length);
        const { bodyStart, bodyEnd, releaseEnd, seq } = packet;
        if (!ok) return;
        expect(releaseEnd <= bodyStart && bodyStart <= bodyEnd && bodyEnd === datagram.length).toBe(true);
        const again = new NetconsolePacket();
        expect(again.read(datagram, 0, datagram.length)).toBe(true);
        expect([again.seq, again.bodyStart]).toEqual([seq, bodyStart]);
      }),
    );
  });
});
