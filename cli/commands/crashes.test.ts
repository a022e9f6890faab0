import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aCrash, startApi, T0, type TestApi } from '../../collector/api/testing.ts';
import { shownCrash } from '../../collector/fold/crash.ts';
import { aReading } from '../../collector/fold/testing/crash-items.ts';
import { run } from '../../test/processes/netfall.ts';

const log = Buffer.from('one\ntwo\x07\n');
const digest = createHash('sha256').update(log).digest('hex');
const holes = [{ at: 4, bytes: 300, exact: true }];
const crash = aCrash(
  {},
  { digest, bytes: log.length, holes },
  { record: 'x', source: 'netoops', digest: '', revision: 0 },
);
const nobody = { crashed: null, holders: [], sender: '192.0.2.1' };
const reading = aReading();
const stranger = aCrash({ id: 'c200-0' }, { ...nobody, source: 'kmsg', first_us: T0 - 1, reading });

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  api.database.commit({ crashes: [crash, stranger] });
  await api.evidence.put(`crash/${digest}`, [log]);
});
afterAll(() => api[Symbol.asyncDispose]());

const crashes = (...args: string[]) => run('crashes', ...args, '--api', api.api.url);
const done = (stdout: string) => ({ code: 0, stderr: '', stdout });
const failed = (message: string) => ({ code: 1, stderr: `netfall: ${message}\n`, stdout: '' });

describe('netfall crashes', () => {
  it('lists them, the newest first, or some of them', async () => {
    const { stdout } = await crashes();
    expect(stdout.split('\n').map((line) => line.split(' ')[0])).toEqual(['ID', 'c100-0', 'c200-0', '']);
    const some = async (...args: string[]) => JSON.parse((await crashes('list', ...args, '--json')).stdout);
    expect(await some()).toEqual({ crashes: [shownCrash(crash), shownCrash(stranger)] });
    expect(await some('--host', 'web-1')).toEqual({ crashes: [shownCrash(crash)] });
    expect(await some('--source', 'kmsg')).toEqual({ crashes: [shownCrash(stranger)] });
    expect(await some('--limit', '1')).toEqual({ crashes: [shownCrash(crash)] });
  });

  it('lists signatures, those of one, and what others would make of them', async () => {
    const { signature, title } = reading;
    const { stdout } = await crashes('signatures');
    expect(stdout).toMatch(new RegExp(`^ +1 +1 +.* ${signature} .*\\n  ${title}$`, 'm'));
    const { groups } = JSON.parse((await crashes('signatures', '--json')).stdout);
    expect(groups).toMatchObject([{ signature, title, crashes: 1, last_crash_id: 'c200-0' }]);
    const of = await crashes('list', '--signature', signature, '--json');
    expect(JSON.parse(of.stdout)).toEqual({ crashes: [shownCrash(stranger)] });
    expect((await crashes('show', 'c200-0')).stdout).toContain('\n→   nvme_queue_rq+0x0 [nvme]\n');
    const preview = await crashes('preview', '--to', '2');
    expect(preview.stdout).toMatch(
      /1 of them instead of 1\sof version 1, over 1 crash\.\n\nNone would be merged/,
    );
    expect(JSON.parse((await crashes('preview', '--to', '2', '--json')).stdout)).toMatchObject({
      ...{ version: 2, current_version: 1, crashes: 1, changes: [] },
    });
    expect(await crashes('preview', '--to', '77')).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining('there is no version 77 of signatures') },
    });
    expect((await crashes('preview')).code).toBe(2);
    expect(await crashes('list', '--signature', 'foo')).toEqual({
      ...{ code: 2, stdout: '' },
      stderr: expect.stringMatching(
        /^netfall: option '--signature <signature>' argument 'foo' is invalid\..*\n$/,
      ),
    });
  });

  it('shows one', async () => {
    expect((await crashes('show', 'c100-0')).stdout).toMatch(/^Kernel panic - .*\n\nhost {7}web-1\n/);
    expect(JSON.parse((await crashes('show', 'c100-0', '--json')).stdout)).toEqual(shownCrash(crash));
  });

  it('prints a log, with its holes', async () => {
    const text = 'one\n[... 300 bytes are missing here ...]\ntwo·\n';
    expect(await crashes('log', 'c100-0')).toEqual(done(text));
    const { stdout } = await crashes('log', 'c100-0', '--record', '0', '--json');
    expect(JSON.parse(stdout)).toEqual({
      ...{ crash_id: 'c100-0', record: 0, source: 'netconsole', digest, bytes: log.length },
      ...{ holes, unlisted_holes: 0, wrap_at: 0, text, marks: [1], report: null },
    });
  });

  it('says what is not there', async () => {
    const none = failed('there is no crash c1-0: "netfall crashes list" shows those that are kept');
    expect(await crashes('show', 'c1-0')).toEqual(none);
    expect(await crashes('log', 'c1-0')).toEqual(none);
    expect(await crashes('log', 'c100-0', '--record', '2')).toEqual(
      failed('crash c100-0 has no record 2: the last one is 1'),
    );
    expect(await crashes('log', 'c100-0', '--record', '1')).toEqual(
      failed(
        'only the first sign of crash c100-0 has come from netoops on relay: its log follows once nothing more of it comes; try again in a minute',
      ),
    );
    expect(await crashes('log', 'c100-0', '--record', 'x')).toMatchObject({ code: 2 });
  });
});
