/** Runs Wireshark's programs, which Debian has in the package tshark. */
import { execFileSync, spawnSync } from 'node:child_process';

export type Program = 'tshark' | 'capinfos';

export function isMissing(program: Program): boolean {
  return spawnSync(program, ['--version']).error !== undefined;
}

/** The lines that a program prints. Throws when it fails. */
export function run(program: Program, args: readonly string[]): string[] {
  const stdio = ['ignore', 'pipe', 'ignore'] as const;
  const output = execFileSync(program, args, { encoding: 'utf8', stdio: [...stdio], maxBuffer: 2 ** 26 });
  return output.replace(/\n$/, '').split('\n');
}
