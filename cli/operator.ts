/** Who changes something, and by what right. Must not know what is changed. */
import { readFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { CommandError } from './errors.ts';

/** The operator's token, where there is one. */
export function readToken({ tokenFile }: { readonly tokenFile?: string }): string | undefined {
  const text = tokenFile === undefined ? process.env['NETFALL_TOKEN'] : readLine(tokenFile);
  const token = text?.trim();
  if (!token) return undefined;
  if (/^[!-~]+$/.test(token)) return token;
  throw new CommandError(
    `what ${tokenFile ?? 'NETFALL_TOKEN'} holds is no token: give one line of letters and digits`,
  );
}

function readLine(path: string): string {
  try {
    return readFileSync(path, 'utf8').split('\n')[0] ?? '';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error;
    throw new CommandError(`${path} cannot be read (${code}): give a readable file to --token-file`);
  }
}

/** Who does this, for others to ask. */
export function operator(): string {
  try {
    return `${userInfo().username}@${hostname()}`.slice(0, 100);
  } catch {
    // A user without an entry in the user database.
    return hostname().slice(0, 100);
  }
}
