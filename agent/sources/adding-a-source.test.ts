/** The example of docs/adding-a-source.md has to work as it stands there. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Source } from '../source.ts';
import { Recorder } from '../testing/recorder.ts';

const PAGE = join(import.meta.dirname, '../../docs/adding-a-source.md');

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'netfall-example-'));
  mkdirSync(join(root, 'proc/net/stat'), { recursive: true });
});

afterEach(() => rmSync(root, { recursive: true }));

describe('docs/adding-a-source.md', () => {
  it('shows a source that works', async () => {
    const page = readFileSync(PAGE, 'utf8');
    const [, code] = /`agent\/sources\/conntrack\/source\.ts`:\n\n```ts\n(.*?)```/s.exec(page) ?? [];
    const file = join(root, 'source.ts');
    writeFileSync(file, code ?? '');
    const module: { ConntrackSource: new (root: string) => Source } = await import(pathToFileURL(file).href);
    const write = (drops: string) => {
      const text = `entries insert_failed drop early_drop\n00000005 00000001 ${drops} 00000000\n`;
      writeFileSync(join(root, 'proc/net/stat/nf_conntrack'), text);
    };
    const source = new module.ConntrackSource(root);
    write('fffffffe');
    expect(source.probe()).toEqual({ state: 'ok', detail: 'drops of connection tracking' });
    source.start();
    write('00000003');
    const into = new Recorder();
    source.collect(into);
    source.stop();
    expect(into).toEqual({ counters: { conntrack_drop: 5 }, losses: {} });
  });
});
