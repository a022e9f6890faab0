/** The command line: which commands there are. What each does stands in commands/, one file a command. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addAgent } from './commands/agent.ts';
import { addCollector } from './commands/collector.ts';
import { addDoctor } from './commands/doctor.ts';
import { addDrops } from './commands/drops.ts';
import { addHosts } from './commands/hosts.ts';
import { addIncidents } from './commands/incidents.ts';
import { addReplay } from './commands/replay.ts';
import { addUp } from './commands/up.ts';

/** The whole program, not yet run. It throws CommanderError instead of ending the process. */
export function createProgram(): Command {
  const { version } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'));
  const program = new Command('netfall')
    .description('Watches Linux hosts for packets that their kernels drop.')
    .version(version)
    .option('--json', 'print JSON: one document, or one a line where it streams')
    .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(process.stdout.columns ?? 80, 100) })
    .configureOutput({
      // One line, as all errors: commander puts its guess at what was meant on a second one.
      outputError: (text, write) =>
        write(
          `${text
            .trim()
            .replace(/^error: /, 'netfall: ')
            .replace(/\s*\n\s*/g, ' ')}\n`,
        ),
    })
    .exitOverride();
  for (const add of [addUp, addDrops, addDoctor, addIncidents, addHosts, addReplay, addAgent, addCollector]) {
    add(program);
  }
  return program;
}
