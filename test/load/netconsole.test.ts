import { describe, expect, it } from 'vitest';
import {
  basicDatagrams,
  basicText,
  type ExtendedTarget,
  extendedDatagrams,
  extendedMessage,
  type LogRecord,
  OLD_MESSAGE_BYTES,
} from './netconsole.ts';

const show = (datagrams: readonly Uint8Array[]) =>
  datagrams.map((bytes) => Buffer.from(bytes).toString('latin1'));
/** `12,416,1758426,-;`, which is 17 bytes, the text, and a newline. */
const record = (text: string, more: Partial<LogRecord> = {}): LogRecord => {
  return { text, priority: 12, seq: 416, uptimeUs: 1_758_426, ...more };
};
const extended = (text: string, target: ExtendedTarget = {}, more: Partial<LogRecord> = {}) =>
  show(extendedDatagrams(record(text, more), target));
const x = (count: number) => 'x'.repeat(count);

describe('a basic message', () => {
  it('is what a console shows', () => {
    expect(show(basicDatagrams(record('Link up')))).toEqual(['[    1.758426] Link up\n']);
  });

  it('has what printk puts before each of its lines', () => {
    const lines = record('one\n\nthree', { uptimeUs: 123_456_000_007, caller: 'T42' });
    expect(basicText(lines)).toBe(
      '[123456.000007][   T42] one\n[123456.000007][   T42] \n[123456.000007][   T42] three\n',
    );
    expect(basicText(lines, { syslog: true, time: false })).toBe(
      '<12>[   T42] one\n<12>[   T42] \n<12>[   T42] three\n',
    );
    expect(basicText(record('one'), { syslog: true })).toBe('<12>[    1.758426] one\n');
    expect(basicText(record('one'), { time: false })).toBe('one\n');
  });

  it('is cut after 1000 bytes', () => {
    const lines = record(`${x(900)}\n${x(100)}`);
    expect(show(basicDatagrams(lines))).toEqual([
      `[    1.758426] ${x(900)}\n[    1.758426] ${x(69)}`,
      `${x(31)}\n`,
    ]);
    // 15 bytes before it and a newline: exactly 1000.
    expect(show(basicDatagrams(record(x(984))))).toEqual([`[    1.758426] ${x(984)}\n`]);
    expect(show(basicDatagrams(record(x(985))))).toEqual([`[    1.758426] ${x(985)}`, '\n']);
  });
});

describe('an extended message', () => {
  it('has priority, seq, microseconds and flags before its text', () => {
    expect(extended('Link up')).toEqual(['12,416,1758426,-;Link up\n']);
    expect(extended('Link', {}, { continued: true, caller: 'C3' })).toEqual([
      '12,416,1758426,c,caller=C3;Link\n',
    ]);
  });

  it('says what is known of the device', () => {
    expect(extended('Link up', {}, { subsystem: 'pci', device: '+pci:0000:3b:00.0' })).toEqual([
      '12,416,1758426,-;Link up\n SUBSYSTEM=pci\n DEVICE=+pci:0000:3b:00.0\n',
    ]);
  });

  it('has a release before it and user data behind it', () => {
    const userdata = [
      ['msgid', '123'],
      ['cpu', '7'],
    ] as const;
    expect(extended('Link up', { release: '6.12.48-amd64', userdata })).toEqual([
      '6.12.48-amd64,12,416,1758426,-;Link up\n msgid=123\n cpu=7\n',
    ]);
  });

  it('has everything but printable ASCII escaped', () => {
    expect(extended('a\\b\tc\nd~\x7f é')).toEqual([
      '12,416,1758426,-;a\\x5cb\\x09c\\x0ad~\\x7f \\xc3\\xa9\n',
    ]);
  });

  it('is cut where the buffer of the kernel is full', () => {
    // 17 bytes before the text leave room for 507 escapes and three bytes: two of another, and the newline.
    const cut = Buffer.from(extendedMessage(record('\t'.repeat(1023)))).toString('latin1');
    expect(cut).toBe(`12,416,1758426,-;${'\\x09'.repeat(507)}\\x\n`);
    expect(cut.length).toBe(2048);
    // With 3 bytes more there is room for all of the last one, but scnprintf() keeps a byte of it for a NUL.
    const full = Buffer.from(extendedMessage(record(`${x(3)}${'\t'.repeat(507)}`))).toString('latin1');
    expect(full).toBe(`12,416,1758426,-;xxx${'\\x09'.repeat(506)}\\x0\n`);
    const old = extendedMessage(record('\t'.repeat(1023)), OLD_MESSAGE_BYTES);
    expect(old.length).toBe(17 + 4 * 1023 + 1);
  });
});

describe('an extended message of more than 1000 bytes', () => {
  it('is sent in fragments that repeat its header', () => {
    // The header is 16 bytes, the body 1101: the text and a newline.
    expect(extended(x(1100))).toEqual([
      `12,416,1758426,-,ncfrag=0/1101;${x(969)}`,
      `12,416,1758426,-,ncfrag=969/1101;${x(131)}\n`,
    ]);
  });

  it('is counted with its release and user data', () => {
    // 18 bytes around the text.
    expect(extended(x(982))).toEqual([`12,416,1758426,-;${x(982)}\n`]);
    expect(extended(x(983))).toEqual([
      `12,416,1758426,-,ncfrag=0/984;${x(970)}`,
      `12,416,1758426,-,ncfrag=970/984;${x(13)}\n`,
    ]);
    expect(extended(x(972), { userdata: [['msgid', '123']] })).toEqual([
      `12,416,1758426,-,ncfrag=0/984;${x(970)}`,
      `12,416,1758426,-,ncfrag=970/984;${x(2)}\n msgid=123\n`,
    ]);
    expect(extended(x(977), { release: '6.12' }, { caller: 'T1' })).toEqual([
      `6.12,12,416,1758426,-,caller=T1,ncfrag=0/978;${x(955)}`,
      `6.12,12,416,1758426,-,caller=T1,ncfrag=955/978;${x(22)}\n`,
    ]);
  });

  it('has its user data right behind the text, cut like it', () => {
    // The body is 971 bytes of message and 11 of user data; the first fragment has room for 970.
    expect(extended(x(970), { userdata: [['msgid', '123']], release: '6.1' })).toEqual([
      `6.1,12,416,1758426,-,ncfrag=0/982;${x(966)}`,
      `6.1,12,416,1758426,-,ncfrag=966/982;${x(4)}\n msgid=123\n`,
    ]);
    const value = 'v'.repeat(190);
    const userdata = ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => [key, value] as const);
    // 3 bytes of message, and 6 lines of 194.
    expect(extended('on', { userdata })).toEqual([
      `12,416,1758426,-,ncfrag=0/1167;on\n a=${value}\n b=${value}\n c=${value}\n d=${value}\n e=${value.slice(0, 187)}`,
      `12,416,1758426,-,ncfrag=969/1167;vvv\n f=${value}\n`,
    ]);
  });

  it('may have fragments with nothing but user data', () => {
    const userdata = Array.from({ length: 16 }, (_, i) => [`key${i + 10}`, 'v'.repeat(190)] as const);
    const datagrams = extended('on', { userdata });
    const bodies = datagrams.map((datagram) => datagram.slice(datagram.indexOf(';') + 1));
    expect(bodies.join('')).toBe(`on\n${userdata.map(([key, value]) => ` ${key}=${value}\n`).join('')}`);
    expect(datagrams.map(({ length }) => length)).toEqual([1000, 1000, 1000, 303]);
    expect(datagrams.map((datagram) => datagram.slice(0, datagram.indexOf(';')))).toEqual([
      '12,416,1758426,-,ncfrag=0/3171',
      '12,416,1758426,-,ncfrag=969/3171',
      '12,416,1758426,-,ncfrag=1936/3171',
      '12,416,1758426,-,ncfrag=2902/3171',
    ]);
  });

  it('is not sent at all when its header leaves no room', () => {
    expect(extended(x(10), { release: 'r'.repeat(990) })).toEqual([]);
  });
});

describe('an extended message of exactly 1000 bytes', () => {
  it('is whole as it is', () => {
    expect(extended(x(982))).toEqual([`12,416,1758426,-;${x(982)}\n`]);
  });

  it('lacks the newline behind user data', () => {
    const [datagram, ...more] = extended(x(971), { userdata: [['msgid', '123']] });
    expect(datagram).toBe(`12,416,1758426,-;${x(971)}\n msgid=123`);
    expect(more).toEqual([]);
    expect(datagram!.length).toBe(999);
  });

  it('ends with a NUL for its newline with a release', () => {
    expect(extended(x(978), { release: '6.1' })).toEqual([`6.1,12,416,1758426,-;${x(978)}\0`]);
  });
});
