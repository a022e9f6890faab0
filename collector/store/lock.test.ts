import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, expect, test } from 'vitest';
import { lockReplica } from './lock.ts';

const root = mkdtempSync(join(tmpdir(), 'netfall-lock-'));
const children: ChildProcess[] = [];
let folders = 0;
const newDir = () => join(root, `${++folders}`, 'data');

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rmSync(root, { recursive: true }));

/** Another process that locks the folder and stays; resolves with what it says: the replica's name, or the error. */
async function lockElsewhere(dir: string): Promise<{ says: string; kill: () => Promise<void> }> {
  const module = JSON.stringify(new URL('./lock.ts', import.meta.url));
  const program = `
    import { lockReplica } from ${module};
    try {
      const { replica } = lockReplica(${JSON.stringify(dir)});
      console.log('locked by ' + replica);
      setInterval(() => {}, 1000);
    } catch (error) {
      console.log(error.message);
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const exit = once(child, 'exit');
  const [says] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return {
    says,
    kill: async () => {
      child.kill('SIGKILL');
      await exit;
    },
  };
}

const taken = (dir: string) =>
  `${dir} is in use by another collector: stop it, or give this one a data folder of its own`;

test('the name is minted once and stays with the folder', () => {
  const dir = newDir();
  const first = lockReplica(dir);
  expect(first.replica).toMatch(/^r-[0-9a-f]{12}$/);
  first.release();
  const second = lockReplica(dir);
  expect(second.replica).toBe(first.replica);
  second.release();
  const other = lockReplica(newDir());
  expect(other.replica).not.toBe(first.replica);
  other.release();
});

test('a second lock in the same process is refused until the first is released', () => {
  const dir = newDir();
  const lock = lockReplica(dir);
  expect(() => lockReplica(dir)).toThrow(taken(dir));
  lock.release();
  lockReplica(dir).release();
});

test('another process is refused with the mend while the lock is held', async () => {
  const dir = newDir();
  const lock = lockReplica(dir);
  expect((await lockElsewhere(dir)).says).toBe(taken(dir));
  // The refused one took nothing away.
  expect((await lockElsewhere(dir)).says).toBe(taken(dir));
  lock.release();
  expect((await lockElsewhere(dir)).says).toBe(`locked by ${lock.replica}`);
});

test('the lock of a killed process is free, and its name is still the same', async () => {
  const dir = newDir();
  const holder = await lockElsewhere(dir);
  expect(holder.says).toMatch(/^locked by r-[0-9a-f]{12}$/);
  expect(() => lockReplica(dir)).toThrow(taken(dir));
  await holder.kill();
  const lock = lockReplica(dir);
  expect(`locked by ${lock.replica}`).toBe(holder.says);
  lock.release();
});

test('a lock file that is damaged is not called a running collector', () => {
  const dir = newDir();
  lockReplica(dir).release();
  writeFileSync(join(dir, 'replica.lock'), 'x'.repeat(10_000));
  expect(() => lockReplica(dir)).toThrow('file is not a database');
});
