/**
 * Builds the release: `npm run build [-- --cpu=x64] [--out=DIR]` writes dist/netfall-VERSION-linux-CPU.tar.gz for each
 * processor that Node is to be had for, and dist/SHA256SUMS. What is inside, and why: docs/release.md.
 */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { pack } from './archive.ts';
import { emitJavaScript } from './javascript.ts';
import { installModules } from './modules.ts';
import { thirdPartyNotices } from './notices.ts';

const root = join(import.meta.dirname, '../..');

/** What npm gives all files of its packages, too; SOURCE_DATE_EPOCH is what distributions set. */
const written = Number(process.env['SOURCE_DATE_EPOCH'] ?? Date.UTC(1985, 9, 26, 8, 15) / 1000);

const { values } = parseArgs({
  options: {
    cpu: { type: 'string', multiple: true, default: ['x64', 'arm64'] },
    out: { type: 'string', default: join(root, 'dist') },
  },
});
const out = resolve(values.out);
const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { version } = JSON.parse(readFileSync(join(root, 'cli/package.json'), 'utf8'));

mkdirSync(out, { recursive: true });
const sums = [];
for (const cpu of values.cpu) {
  const stage = mkdtempSync(join(out, 'stage-'));
  try {
    const name = `netfall-${version}`;
    const top = join(stage, name);
    const lib = join(top, 'lib');
    if (!installModules(root, lib, workspaces, cpu)) {
      console.log(`netfall: nothing for ${cpu}: the package registry has no node-linux-${cpu}`);
      continue;
    }
    emitJavaScript(root, lib, workspaces);
    mkdirSync(join(top, 'bin'));
    symlinkSync('../lib/cli/bin/netfall', join(top, 'bin/netfall'));
    copyFileSync(join(root, 'LICENSE'), join(top, 'LICENSE'));
    writeFileSync(join(top, 'THIRD-PARTY-NOTICES'), thirdPartyNotices(join(lib, 'node_modules')));
    const archive = `${name}-linux-${cpu}.tar.gz`;
    await pack(stage, name, join(out, archive), written);
    const sum = createHash('sha256')
      .update(readFileSync(join(out, archive)))
      .digest('hex');
    sums.push(`${sum}  ${archive}\n`);
    console.log(join(out, archive));
  } finally {
    rmSync(stage, { recursive: true });
  }
}
writeFileSync(join(out, 'SHA256SUMS'), sums.join(''));
