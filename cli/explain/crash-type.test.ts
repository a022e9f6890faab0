import { allNames, explain } from '@netfall/catalog/explain';
import { crashTypes } from '@netfall/crash';
import { describe, expect, it } from 'vitest';
import { run } from '../../test/processes/netfall.ts';
import { allCrashTypes, crashTypeOf, crashTypePage, searchCrashTypes } from './crash-type.ts';

const paper = { width: 60, colour: false };

describe('types of crashes', () => {
  it.each(['soft-lockup', 'SOFT_LOCKUP', 'Soft lockup'])('are known by name and title: %s', (name) => {
    expect(crashTypeOf(name)).toEqual({
      ...{ name: 'soft-lockup', kind: 'crash', title: crashTypes['soft-lockup'].title },
      ...{ means: crashTypes['soft-lockup'].meaning, survived: true },
    });
  });

  it('have names that are nothing else in the catalog', () => {
    const others = allNames().filter((name) => crashTypeOf(name) !== undefined);
    expect(others).toEqual([]);
    for (const type of allCrashTypes()) expect(explain(type)).toBeUndefined();
  });

  it('are found by words, those of their name first', () => {
    const found = (query: string) => searchCrashTypes(query).map(({ name }) => name);
    expect(found('lockup')).toEqual(['soft-lockup', 'hard-lockup', 'workqueue-lockup']);
    expect(found('freed')).not.toContain('soft-lockup');
    expect(found('freed')).toContain('kfence');
    expect(found('')).toEqual([]);
  });

  it('have pages that fit', () => {
    for (const type of allCrashTypes()) {
      const lines = crashTypePage(crashTypeOf(type)!, paper);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(60);
    }
    expect(crashTypePage(crashTypeOf('divide-error')!, paper)).toEqual([
      'divide-error  crash, divide error',
      '',
      '  The kernel divided by zero, or a quotient was too large',
      '  for its register.',
      '',
      '  survived      usually not: it kills what it was at, or',
      '                stops',
      '  seen by       netfall crashes, netfall crash parse FILE',
    ]);
  });
});

describe('netfall explain', () => {
  it('knows them, beside the catalog', async () => {
    const page = crashTypePage(crashTypeOf('kasan')!, { width: 80, colour: false });
    expect(await run('explain', 'kasan')).toEqual({ code: 0, stdout: `${page.join('\n')}\n`, stderr: '' });
    expect(JSON.parse((await run('explain', 'kasan', '--json')).stdout)).toEqual(crashTypeOf('kasan'));
    const { matches } = JSON.parse((await run('explain', 'lockup', '--json')).stdout);
    expect(matches.map(({ name }: { name: string }) => name)).toContain('hard-lockup');
    expect((await run('explain', 'soft-lokup')).stderr).toContain('did you mean soft-lockup?');
  });
});
