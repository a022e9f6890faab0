/** The embedded log against the contract, on disk and in memory. */

import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../clock.ts';
import type { Bed, OpenOptions } from '../contract/bed.ts';
import { logContract } from '../contract.ts';
import type { Log } from '../log.ts';
import { lossyLog } from '../testing/lossy-log.ts';
import { openEmbeddedLog } from './embedded-log.ts';

function embeddedBed(dir: string, corruptBlob: Bed['corruptBlob'], remove: () => void): Bed {
  let passedUs = 0;
  let options: OpenOptions = {};
  let log: Log | null = null;
  const clock: Clock = { ...systemClock, nowUs: () => systemClock.nowUs() + passedUs };
  const openOnce = async (wanted?: OpenOptions) => {
    if (wanted) options = wanted;
    await log?.close();
    log = openEmbeddedLog({ dir, clock, ...options });
    return log;
  };
  return {
    open: openOnce,
    async openLossy() {
      const lossy = lossyLog(await openOnce());
      return {
        log: lossy,
        loseAcks: () => {
          lossy.losing = true;
        },
        keepAcks: async () => {
          lossy.losing = false;
        },
      };
    },
    async pass(us) {
      passedUs += us;
    },
    corruptBlob,
    async end() {
      await log?.close();
      remove();
    },
  };
}

const nothingToDamage = async () => {
  throw new Error('a log in memory cannot be damaged');
};

logContract('embedded log in memory', { shared: false, durable: false, modelRuns: 300 }, async () =>
  embeddedBed(':memory:', nothingToDamage, () => {}),
);

logContract('embedded log on disk', { shared: false, durable: true, modelRuns: 20 }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'netfall-log-'));
  const damage: Bed['corruptBlob'] = async (store, name) => {
    const file = await open(join(dir, store, `${encodeURIComponent(name)}.blob`), 'r+');
    await file.write(Buffer.from('!'), 0, 1, 1000);
    await file.close();
  };
  return embeddedBed(dir, damage, () => rmSync(dir, { recursive: true, force: true }));
});
