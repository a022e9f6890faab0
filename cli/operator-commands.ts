/** Which commands operators and deployment tools have to say something with. What each does stands in commands/. */
import type { Command } from 'commander';
import { parseCount, parseLabel, parseLast, parseMatcher, parseNext, parseSpan } from './arguments.ts';
import { apiOption, byOption, tokenOption } from './options.ts';

/** @param incidents the command that gets those about an incident */
export function addOperatorCommands(program: Command, incidents: Command): void {
  addDecisions(incidents);
  addSilences(program, incidents);
  addChanges(program);
}

function addDecisions(incidents: Command): void {
  incidents
    .command('ack')
    .description('say that you take care of an incident')
    .argument('<id>', 'as the list shows it')
    .option('--comment <text>', 'what there is to say')
    .addOption(byOption())
    .addOption(tokenOption())
    .addOption(apiOption())
    .action(async (id, _, command) =>
      (await import('./commands/decisions.ts')).acknowledge(id, command.optsWithGlobals()),
    );
  incidents
    .command('resolve')
    .description('say that an incident is over')
    .argument('<id>', 'as the list shows it')
    .option('--comment <text>', 'what there is to say')
    .addOption(byOption())
    .addOption(tokenOption())
    .addOption(apiOption())
    .action(async (id, _, command) =>
      (await import('./commands/decisions.ts')).resolve(id, command.optsWithGlobals()),
    );
  incidents
    .command('comment')
    .description('say something about an incident')
    .argument('<id>', 'as the list shows it')
    .argument('<text>', 'what there is to say')
    .addOption(byOption())
    .addOption(tokenOption())
    .addOption(apiOption())
    .action(async (id, text, _, command) =>
      (await import('./commands/decisions.ts')).comment(id, text, command.optsWithGlobals()),
    );
}

const MATCH = 'what it is about: name=value or name!=value, * for any text; may be repeated: all have to fit';

function addSilences(program: Command, incidents: Command): void {
  incidents
    .command('silence')
    .description('have nobody told of an incident, or of what matches, for a time')
    .argument('[id]', 'as the list shows it')
    .option('--fingerprint', 'the incident, and those that repeat it')
    .option('--match <matcher>', MATCH, parseMatcher)
    .requiredOption('--for <duration>', 'how long, e.g. 30m, 12h or 7d, at most 30d', parseSpan)
    .option('--from <time>', 'when it begins, e.g. 22:00 or 2026-01-31T22:00 (default: now)', parseNext)
    .option('--comment <text>', 'why')
    .addOption(byOption())
    .addOption(tokenOption())
    .addOption(apiOption())
    .action(async (id, { match, fingerprint }, command) => {
      if (id === undefined && (fingerprint || !match))
        command.error('netfall: nothing to silence: name an incident, or say what matches with --match');
      await (await import('./commands/silences.ts')).silence(id, command.optsWithGlobals());
    });
  program
    .command('maintenance')
    .description('have nobody told of trouble on some hosts while work on them goes on')
    .requiredOption('--match <matcher>', MATCH, parseMatcher)
    .requiredOption('--for <duration>', 'how long, e.g. 30m, 12h or 7d, at most 30d', parseSpan)
    .option('--from <time>', 'when it begins, e.g. 22:00 or 2026-01-31T22:00 (default: now)', parseNext)
    .option('--comment <text>', 'which work')
    .addOption(byOption())
    .addOption(tokenOption())
    .addOption(apiOption())
    .action(async (_, command) =>
      (await import('./commands/silences.ts')).maintenance(command.optsWithGlobals()),
    );

  const silences = program.command('silences').description('list silences and maintenance, or end one');
  silences
    .command('list', { isDefault: true })
    .description('list those that hold or are to hold, the newest first')
    .option('--all', 'also those that are over, for seven days')
    .option('--limit <n>', 'list at most this many', parseCount, 50)
    .addOption(apiOption())
    .action(async (_, command) =>
      (await import('./commands/silences.ts')).listSilences(command.optsWithGlobals()),
    );
  silences
    .command('end')
    .description('end one before its time')
    .argument('<id>', 'as the list shows it')
    .option('--comment <text>', 'why')
    .addOption(byOption())
    .addOption(tokenOption())
    .addOption(apiOption())
    .action(async (id, _, command) =>
      (await import('./commands/silences.ts')).endSilence(id, command.optsWithGlobals()),
    );
}

function addChanges(program: Command): void {
  const changes = program
    .command('changes')
    .description('list changes in the fleet that were announced, or announce one');
  changes
    .command('list', { isDefault: true })
    .description('list changes, those that began last first')
    .option('--limit <n>', 'list at most this many', parseCount, 50)
    .addOption(apiOption())
    .action(async (_, command) =>
      (await import('./commands/changes.ts')).listChanges(command.optsWithGlobals()),
    );
  changes
    .command('announce')
    .description('announce a change, so that trouble after it can be held against it')
    .argument('<summary>', "one sentence, e.g. 'api v2.31'")
    .option('--kind <kind>', 'e.g. deployment, firmware, kernel, sysctl', 'deployment')
    .option(
      '--attribute <key=value>',
      'what the hosts have in common that it concerns; may be repeated: all of them',
      parseLabel,
    )
    .option('--host <id...>', 'hosts that it concerns')
    .option('--at <time>', 'when it began, e.g. 22:00 or 2026-01-31T22:00 (default: now)', parseLast)
    .option('--id <id>', 'names it: what is announced again under the same one replaces it')
    .option('--url <url>', 'where to read more')
    .addOption(byOption())
    .addOption(tokenOption())
    .addOption(apiOption())
    .action(async (summary, _, command) =>
      (await import('./commands/changes.ts')).announce(summary, command.optsWithGlobals()),
    );
}
