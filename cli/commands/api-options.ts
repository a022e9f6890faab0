/** What all commands that ask a collector have in common. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { ApiClient, DEFAULT_API } from '../api/client.ts';

export interface ApiOptions {
  readonly api: string;
  readonly json?: boolean;
}

export function withApi(command: Command): Command {
  return command.addOption(
    new Option('--api <url>', 'the collector to ask').env('NETFALL_API').default(DEFAULT_API),
  );
}

export function apiClient({ api }: ApiOptions): ApiClient {
  return new ApiClient(api);
}

/** A positive integer on the command line. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d{1,7}$/.test(text) && count > 0) return count;
  throw new InvalidArgumentError('Give a number from 1 to 9999999.');
}
