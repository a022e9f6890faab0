import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { PARSER_VERSION, readCrash } from '@netfall/crash';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aCrash, startApi, T0, type TestApi } from '../../collector/api/testing.ts';
import { aReading } from '../../collector/fold/testing/crash-items.ts';
import { launcher, Netfall, run } from '../../test/processes/netfall.ts';

const dereference = join(
  import.meta.dirname,
  '../../test/fixtures/crashes/6.12-null-dereference.console.txt.gz',
);

let directory: string;
let healthy: string;
let panic: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'netfall-crash-'));
  healthy = file('healthy.gz', gzipSync('[    0.000000] Linux version 6.12.9-amd64\n'));
  panic = file('panic', '[ 9000.000000] Kernel panic - not syncing: sysrq triggered crash\n');
});
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

const unreadable = (path: string) =>
  `netfall: ${path} cannot be read (ENOENT): name a readable log of a kernel\n`;
const documents = (stdout: string) =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('netfall crash parse', () => {
  it('reads one file after the other, whatever is wrong with one of them', async () => {
    const { code, stdout, stderr } = await run(
      ...['crash', 'parse', healthy, '/nowhere', dereference, '--json'],
    );
    expect([code, stderr]).toEqual([1, unreadable('/nowhere')]);
    const [first, second, ...others] = documents(stdout);
    expect(first).toEqual({ file: healthy, crash: false });
    expect(second).toMatchObject({
      ...{ file: dereference, crash: true, type: 'null-pointer-dereference', corrupted: false },
      title: 'BUG: unable to handle kernel NULL pointer dereference in queue_length',
      ...{
        place: 'queue_length',
        guilty: 0,
        process: 'sh',
        pid: 214,
        cpu: 1,
        kernel: '6.12.117+deb12-amd64',
      },
      taint: { flags: 'GOE' },
      signature: expect.stringMatching(/^1:[0-9a-f]{16}$/),
      uptime_us: 24_754_431,
    });
    expect(second.frames[0]).toMatchObject({ function: 'queue_length.constprop.0', module: 'netfall_crash' });
    expect(others).toEqual([]);
  });

  it('shows a page for each, behind its name', async () => {
    const { code, stdout } = await run('crash', 'parse', dereference, healthy);
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    expect(lines.slice(0, 3)).toEqual([
      dereference,
      '',
      'BUG: unable to handle kernel NULL pointer dereference in queue_length',
    ]);
    expect(lines).toContain('→   queue_length.constprop.0+0x5 [netfall_crash]');
    expect(lines.slice(-2)).toEqual([`${healthy}: no crash in it`, '']);
  });

  it.each([[[]], [['-']]])('reads standard input (%j)', (files) => {
    const parse = (...options: string[]) =>
      execFileSync(launcher, ['crash', 'parse', ...files, ...options], {
        input: 'Linux\n',
        encoding: 'utf8',
      });
    expect(parse('--json')).toBe('{"file":"-","crash":false}\n');
    expect(parse()).toBe('standard input: no crash in it\n');
  });
});

describe('netfall crash explain', () => {
  let api: TestApi;
  const log = gunzipSync(readFileSync(dereference));
  const report = readCrash(log.toString(), [])!;
  const digest = createHash('sha256').update(log).digest('hex');
  const { signature, bug, title, type } = report;
  const frames = report.frames.map(({ line: _line, source: _source, ...frame }) => frame);
  const reading = aReading({ signature, bug, title, type, frames, guilty: report.guilty });
  beforeAll(async () => {
    api = await startApi();
    const away = { digest: 'b'.repeat(64), kernel: '6.6.1', first_us: T0 - 1 };
    const place = {
      signature: '1:00000000000000cc',
      bug: 'stall in queue_length',
      title: 'stall in queue_length',
    };
    api.database.commit({
      crashes: [
        aCrash({}, { digest, bytes: log.length, holes: [], reading, parser_version: 1 }),
        aCrash({ id: 'c200-0' }, { ...away, reading }),
        aCrash({ id: 'c300-0' }, { ...away, reading: { ...reading, ...place } }),
        aCrash({ id: 'c400-0' }, { ...away, reading: aReading() }),
      ],
    });
    await api.evidence.put(`crash/${digest}`, [log]);
  });
  afterAll(() => api[Symbol.asyncDispose]());

  it('explains a log, and which known crashes are near', async () => {
    const { code, stdout } = await run('crash', 'explain', dereference, '--json', '--api', api.api.url);
    expect(code).toBe(0);
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({
      ...{ file: dereference, crash: true, title, type, signature, place: 'queue_length' },
      beginning: {
        line: report.start,
        text: expect.stringContaining('BUG: kernel NULL pointer dereference'),
      },
      guilty: report.frames[report.guilty ?? -1],
    });
    expect(document.near.map(({ by, group }: { by: string; group: object }) => [by, group])).toEqual([
      ['signature', expect.objectContaining({ signature, crashes: 2 })],
      ['place', expect.objectContaining({ signature: '1:00000000000000cc', crashes: 1 })],
    ]);
  });

  it('explains a crash that the collector knows', async () => {
    const { code, stdout } = await run('crash', 'explain', 'c100-0', '--api', api.api.url);
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    expect(lines[0]).toBe(title);
    const { stdout: json } = await run('crash', 'explain', 'c100-0', '--json', '--api', api.api.url);
    expect(JSON.parse(json)).toMatchObject({
      ...{ crash_id: 'c100-0', record: 0, title, collector: { title, parser_version: 1 } },
    });
    expect(stdout).toMatch(/^ {4}The same signature: 2 crashes on 1 host, the last \d+ d ago, c100-0\.$/m);
    expect(await run('crash', 'explain', 'c1-0', '--api', api.api.url)).toEqual({
      ...{ code: 1, stdout: '' },
      stderr: 'netfall: there is no crash c1-0: "netfall crashes list" shows those that are kept\n',
    });
  });

  it('reads the log that the title is from, though another one is the best', async () => {
    await using own = await startApi();
    const end = Buffer.from('[ 9000.000000] Kernel panic - not syncing: Fatal exception\n');
    const endDigest = createHash('sha256').update(end).digest('hex');
    const ending = aReading({ title: 'kernel panic: corrupted', corrupted: 'what led to it is missing' });
    const kept = { record: 'p', source: 'pstore', digest: endDigest, bytes: end.length, holes: [] };
    const crash = aCrash(
      { id: 'c500-0' },
      { ...kept, complete: true, reading: ending, parser_version: PARSER_VERSION },
      { digest, bytes: log.length, holes: [], reading, parser_version: PARSER_VERSION },
    );
    expect([crash.best, crash.read]).toEqual([1, 0]);
    own.database.commit({ crashes: [crash] });
    await own.evidence.put(`crash/${digest}`, [log]);
    await own.evidence.put(`crash/${endDigest}`, [end]);
    const { stdout } = await run('crash', 'explain', 'c500-0', '--json', '--api', own.api.url);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ crash_id: 'c500-0', record: 0, title, collector: { title, parser_version: PARSER_VERSION } },
    });
    expect((await run('crash', 'explain', 'c500-0', '--api', own.api.url)).stdout).not.toContain(
      'The collector has it as',
    );
  });

  it('does without a crash that was forgotten meanwhile', async () => {
    const between = createServer(async ({ url }, response) => {
      const path = url === '/api/v1/crashes/c300-0' ? '/api/v1/crashes/c9-9' : url;
      const answer = await fetch(`${api.api.url}${path}`);
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(await answer.text());
    });
    await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve));
    const { port } = between.address() as AddressInfo;
    const { stdout } = await run(
      'crash',
      'explain',
      dereference,
      '--json',
      '--api',
      `http://127.0.0.1:${port}`,
    );
    between.close();
    const { near } = JSON.parse(stdout);
    expect(near.map(({ by, shared }: { by: string; shared: number }) => [by, shared > 0])).toEqual([
      ['signature', true],
      ['place', false],
    ]);
  });

  it('takes what is called like a crash for one, and a file for its path', async () => {
    file('c100-0', '[ 9000.000000] Kernel panic - not syncing: sysrq triggered crash\n');
    const titles = async (named: string) => {
      const args = ['crash', 'explain', named, '--json', '--api', api.api.url];
      const { stdout } = await promisify(execFile)(launcher, args, { cwd: directory });
      return JSON.parse(stdout).title;
    };
    expect(await titles('c100-0')).toBe(title);
    expect(await titles('./c100-0')).toBe('kernel panic: sysrq triggered crash');
  });

  it('goes on when no collector answers, and says so', async () => {
    const child = new Netfall(['crash', 'explain', panic], { env: { NETFALL_API: 'http://127.0.0.1:1' } });
    const { code, stdout, stderr } = await child.ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('\n  Not looked at: no collector answers at http://127.0.0.1:1 (');
    const document = await run('crash', 'explain', panic, '--json', '--api', 'http://127.0.0.1:1');
    expect(JSON.parse(document.stdout)).toMatchObject({
      ...{ title: 'kernel panic: sysrq triggered crash', near: null },
      near_unknown: expect.stringContaining('no collector answers'),
    });
  });

  it('says what it cannot read, and that there is no crash', async () => {
    expect(await run('crash', 'explain', '/nowhere')).toEqual({
      ...{ code: 1, stdout: '', stderr: unreadable('/nowhere') },
    });
    expect((await run('crash', 'explain', healthy, '--json')).stdout).toBe(
      `${JSON.stringify({ file: healthy, crash: false })}\n`,
    );
    expect((await run('crash', 'explain', healthy)).stdout).toBe(`${healthy}: no crash in it\n`);
  });
});
