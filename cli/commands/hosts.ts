/** `netfall hosts`: which hosts report, and what their reports lack. */
import type { Command } from 'commander';
import { hostList } from '../api/hosts.ts';
import { print } from '../terminal/print.ts';
import { type ApiOptions, apiClient, parseCount, withApi } from './api-options.ts';

interface Options extends ApiOptions {
  readonly limit: number;
}

export function addHosts(program: Command): void {
  withApi(program.command('hosts'))
    .description('list hosts with the state of their sources and what was lost')
    .option('--limit <n>', 'list at most this many', parseCount, 1000)
    .action((_: unknown, command: Command) => hosts(command.optsWithGlobals()));
}

async function hosts(options: Options): Promise<void> {
  const found = await apiClient(options).hosts(options.limit);
  print(options.json, { hosts: found }, (paper) => hostList(found, Date.now() * 1000, paper));
}
