/** Options that several commands have. */
import { Option } from 'commander';
import { DEFAULT_API } from './api/client.ts';
import { parseApi, parsePath } from './arguments.ts';

export function tokenOption(): Option {
  return new Option(
    '--token-file <file>',
    "the operator's token is its first line (or in NETFALL_TOKEN)",
  ).argParser(parsePath);
}

export function apiOption(): Option {
  return new Option('--api <url>', 'the collector to ask')
    .env('NETFALL_API')
    .argParser(parseApi)
    .default(DEFAULT_API);
}

export function byOption(): Option {
  return new Option('--by <name>', 'who says so (default: you, at this host)');
}
