/** A program for tests: appends to the embedded log in a folder as fast as it can and prints each acknowledged id. */

import { writeSync } from 'node:fs';
import { openEmbeddedLog } from '../embedded/embedded-log.ts';

const log = openEmbeddedLog({ dir: process.argv[2]! });
for (let number = 1; ; number += 20) {
  const ids = Array.from({ length: 20 }, (_, index) => `m${number + index}`);
  await Promise.all(
    ids.map(async (id) => {
      const { sequence } = await log.append({ subject: 'netfall.test.a', id, data: Buffer.from(id) });
      writeSync(1, `${id} ${sequence}\n`);
    }),
  );
}
