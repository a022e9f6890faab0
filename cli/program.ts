/**
 * The command line: which commands and options there are. What a command does stands in commands/, one file a command,
 * loaded when it is called so that `netfall --help` is quick.
 */
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import {
  parseCount,
  parseDuration,
  parseIndex,
  parseLabel,
  parseListen,
  parsePath,
  parseSequence,
  parseServers,
  parseSignature,
  parseSnapLength,
} from './arguments.ts';
import { addOperatorCommands } from './operator-commands.ts';
import { apiOption, tokenOption } from './options.ts';
import { widthOf } from './terminal/text.ts';

const INCIDENT_STATES = ['candidate', 'firing', 'acknowledged', 'resolving', 'resolved', 'closed', 'merged'];

/** The whole program, not yet run. It throws CommanderError instead of ending the process. */
export function createProgram(): Command {
  const { version } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'));
  const program = new Command('netfall')
    .description('Watches Linux hosts for packets that their kernels drop, and for kernels that crash.')
    .version(version)
    .option('--json', 'print JSON: one document, or one a line where it streams')
    .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(widthOf(process.stdout), 100) })
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

  program
    .command('up')
    .description('run an agent and a collector in one process')
    .option('--data <dir>', 'keep log, spool and database here (default: $XDG_STATE_HOME/netfall)', parsePath)
    .option('--listen <host:port>', 'where API and page answer (default: 127.0.0.1:7070)', parseListen)
    .option(
      '--nats <url>',
      'use the log on these NATS servers (comma-separated), not an embedded one',
      parseServers,
    )
    .option('--config <file>', 'read a configuration (docs/configuration.md); options override it')
    .action(async (_, command) => (await import('./commands/up.ts')).up(command.optsWithGlobals()));

  const drops = program
    .command('drops')
    .description('show what this host drops, live; needs no server, but CAP_BPF and CAP_PERFMON')
    .option(
      '--for <duration>',
      'stop after e.g. 5s (default: until q, or 5s without a terminal)',
      parseDuration,
    )
    .option('--root <dir>', 'read /sys and /proc below this directory', '')
    .action(async (_, command) => (await import('./commands/drops.ts')).drops(command.optsWithGlobals()));
  drops
    .command('capture')
    .description('write dropped packets as pcapng, with reason, function and interface')
    .requiredOption('-w, --write <file>', 'the file; - for standard output, to pipe into tshark -r -')
    .option('-c, --count <n>', 'stop after so many packets', parseCount)
    .option('-s, --snaplen <bytes>', 'keep at most so many bytes of a packet', parseSnapLength, 256)
    .option('--reason <names>', 'only these reasons, e.g. NO_SOCKET,TCP_*')
    .option('--function <names>', 'only dropped in these functions, e.g. tcp_*')
    .option('--interface <names>', 'only of these interfaces, e.g. eth0,veth*')
    .option('--protocol <names>', 'only these protocols, e.g. arp,udp,vxlan,89')
    .option('--address <prefixes>', 'only from or to these, e.g. 10.0.0.0/8,2001:db8::1')
    .option('--port <ports>', 'only from or to these, e.g. 53,8000-8999')
    .action(async (_, command) =>
      (await import('./commands/capture.ts')).capture({ ...command.optsWithGlobals(), version }, (error) => {
        throw command.error(`netfall: ${error.message}`);
      }),
    );

  program
    .command('counters')
    .description('show which counters of losses move, held against the drops that are seen; needs no server')
    .option('--for <duration>', 'how long to count, e.g. 30s (default: 5s)', parseDuration)
    .option('--all', 'list counters that count no losses, too')
    .option('--root <dir>', 'read /sys and /proc below this directory', '/')
    .action(async (_, command) =>
      (await import('./commands/counters.ts')).counters(command.optsWithGlobals()),
    );

  program
    .command('explain')
    .description(
      'tell what a drop reason, counter, trap or type of crash means, likely causes and their mends',
    )
    .argument('<name>', 'e.g. SOCKET_RCVBUFF, UdpRcvbufErrors; a part of a name lists all that have it')
    .action(async (name, _, command) =>
      (await import('./commands/explain.ts')).explain(name, command.optsWithGlobals()),
    );

  program
    .command('doctor')
    .description('tell what this kernel and these privileges allow, and the mend for what is missing')
    .option('--config <file>', 'look at the data directory and log of this configuration of an agent')
    .option('--strict', 'fail when a source that is switched on is unavailable or degraded')
    .option('--root <dir>', 'read /sys and /proc below this directory', '/')
    .action(async (_, command) => (await import('./commands/doctor.ts')).doctor(command.optsWithGlobals()));

  const incidents = program
    .command('incidents')
    .description('list incidents, show one, or say something about one');
  incidents
    .command('list', { isDefault: true })
    .description('list incidents, open ones first')
    .addOption(new Option('--state <state...>', 'only these states').choices(INCIDENT_STATES))
    .option('--host <id>', 'only those of this host')
    .option('--limit <n>', 'list at most this many', parseCount, 50)
    .addOption(apiOption())
    .action(async (_, command) =>
      (await import('./commands/incidents.ts')).listIncidents(command.optsWithGlobals()),
    );
  incidents
    .command('show')
    .description('show an incident with its hosts and history')
    .argument('<id>', 'as the list shows it')
    .addOption(apiOption())
    .action(async (id, _, command) =>
      (await import('./commands/incidents.ts')).showIncident(id, command.optsWithGlobals()),
    );
  addOperatorCommands(program, incidents);

  const crash = program
    .command('crash')
    .description("read crashes off kernels' logs, or tell why a crash has its title");
  crash
    .command('parse')
    .description('tell what crashed, where, and by which signature; needs no server')
    .argument('[files...]', "kernels' logs, packed by gzip or not; - or none for standard input")
    .action(async (files, _, command) =>
      (await import('./commands/crash.ts')).parseLogs(files, command.optsWithGlobals()),
    );
  crash
    .command('explain')
    .description('tell why a crash has its title and signature, and which known ones are near')
    .argument(
      '<crash>',
      "a kernel's log, - for standard input, or a crash as netfall crashes lists it: c1041-0",
    )
    .addOption(apiOption())
    .action(async (named, _, command) =>
      (await import('./commands/crash.ts')).explainCrash(named, command.optsWithGlobals()),
    );

  const crashes = program
    .command('crashes')
    .description('list crashes, alone or by signature, show one, or read its log');
  crashes
    .command('list', { isDefault: true })
    .description('list crashes, the newest first')
    .option('--host <id>', 'only those of this host')
    .option('--source <name>', 'only those that this source has something of, e.g. netconsole')
    .option(
      '--signature <signature>',
      'only those of this signature, as netfall crashes signatures shows it',
      parseSignature,
    )
    .option('--unread', 'only those without a signature: their logs have not come, or tell of no crash')
    .option('--limit <n>', 'list at most this many', parseCount, 50)
    .addOption(apiOption())
    .action(async (_, command) =>
      (await import('./commands/crashes.ts')).listCrashes(command.optsWithGlobals()),
    );
  crashes
    .command('show')
    .description('show a crash, by what it is known, and what does not fit together')
    .argument('<id>', 'as the list shows it')
    .addOption(apiOption())
    .action(async (id, _, command) =>
      (await import('./commands/crashes.ts')).showCrash(id, command.optsWithGlobals()),
    );
  crashes
    .command('log')
    .description("print a crash's log, with a line for whatever is missing")
    .argument('<id>', 'as the list shows it')
    .option('--record <n>', 'that of this record, as show counts them (default: the best)', parseIndex)
    .addOption(apiOption())
    .action(async (id, _, command) =>
      (await import('./commands/crashes.ts')).crashLog(id, command.optsWithGlobals()),
    );
  crashes
    .command('signatures')
    .description('list what crashed, each once: crashes that share a signature are of one bug')
    .option('--limit <n>', 'list at most this many', parseCount, 50)
    .addOption(apiOption())
    .action(async (_, command) =>
      (await import('./commands/crashes.ts')).listSignatures(command.optsWithGlobals()),
    );
  crashes
    .command('preview')
    .description('tell which signatures another version of them would merge or split')
    .requiredOption('--to <version>', 'the version of signatures', parseCount)
    .addOption(apiOption())
    .action(async (_, command) =>
      (await import('./commands/crashes.ts')).previewSignatures(command.optsWithGlobals()),
    );

  program
    .command('hosts')
    .description('list hosts with the state of their sources and what was lost')
    .option('--limit <n>', 'list at most this many', parseCount, 1000)
    .addOption(apiOption())
    .action(async (_, command) => (await import('./commands/hosts.ts')).hosts(command.optsWithGlobals()));

  const sources = program.command('sources').description('list sources, or switch one off or on');
  sources
    .command('list', { isDefault: true })
    .description('on how many hosts each source is in which state, and what is switched off')
    .addOption(apiOption())
    .action(async (_, command) =>
      (await import('./commands/sources.ts')).listSources(command.optsWithGlobals()),
    );
  sources
    .command('off')
    .description('switch a source off for a time: on all hosts, or those that are named')
    .argument('<name>', 'the source, as the list shows it')
    .requiredOption('--for <duration>', 'how long, e.g. 30m or 12h, at most 336h', parseDuration)
    .requiredOption('--why <text>', 'the reason, which hosts and lists show')
    .option('--host <id...>', 'only these hosts')
    .option(
      '--label <key=value>',
      'only hosts with this label; may be repeated: with all of them',
      parseLabel,
    )
    .addOption(tokenOption())
    .addOption(apiOption())
    .action(async (name, _, command) =>
      (await import('./commands/sources.ts')).switchOff(name, command.optsWithGlobals()),
    );
  sources
    .command('on')
    .description('take back every switch of a source')
    .argument('<name>', 'the source, as the list shows it')
    .addOption(tokenOption())
    .addOption(apiOption())
    .action(async (name, _, command) =>
      (await import('./commands/sources.ts')).switchOn(name, command.optsWithGlobals()),
    );

  program
    .command('export')
    .description('write a stretch of the log as events.ndjson, for netfall replay')
    .addOption(
      new Option('--config <file>', 'the log that this configuration of a collector names').conflicts('data'),
    )
    .option('--data <dir>', 'the embedded log of netfall up here, which must be stopped', parsePath)
    .option('--from <n>', 'the first entry (default: the oldest that is held)', parseSequence)
    .option('--to <n>', 'the last entry (default: the newest)', parseSequence)
    .action(async ({ from, to }, command) => {
      if (to < from)
        command.error(`netfall: --from ${from} is behind --to ${to}: give a stretch that goes forward`);
      await (await import('./commands/export.ts')).exportEntries(command.optsWithGlobals());
    });

  program
    .command('replay')
    .description('fold recorded log entries again and print the incidents that result')
    .argument('<file>', 'events.ndjson, one log entry a line; - is standard input')
    .option(
      '--config <file>',
      "a collector's configuration to go by, and to hold the pages against the original's",
    )
    .action(async (file, _, command) =>
      (await import('./commands/replay.ts')).replay(file, command.optsWithGlobals()),
    );

  program
    .command('simulate')
    .description('make the log of a synthetic fleet in which something goes wrong, and the truth about it')
    .option('--list', 'list scenarios')
    .option('--scenario <name>', 'what goes wrong')
    .option('--hosts <n>', 'hosts in the fleet, from 20 to 100000', parseCount, 1000)
    .option('--seed <n>', 'the same number makes the same log', parseCount, 1)
    .option('--out <dir>', 'write events.ndjson and truth.json here', parsePath)
    .option('--nats <url>', 'append to the log on these NATS servers (comma-separated)', parseServers)
    .option('--log <dir>', 'append to the embedded log in this folder, which nobody may use', parsePath)
    .option('--speed <n>', 'into a log: how many times as fast as it would come (default: 1)', parseCount)
    .option('--cell <name>', 'the cell of the fleet', 'default')
    .action(async (_, command) =>
      (await import('./commands/simulate.ts')).simulateFleet(command.optsWithGlobals(), (message) => {
        throw command.error(`netfall: ${message}`);
      }),
    );

  program
    .command('agent')
    .description('run an agent alone, as on every host of a fleet')
    .requiredOption('--config <file>', 'its configuration (docs/configuration.md)')
    .action(async (_, command) => (await import('./commands/agent.ts')).agent(command.optsWithGlobals()));

  program
    .command('collector')
    .description('run a collector alone')
    .requiredOption('--config <file>', 'its configuration (docs/configuration.md)')
    .action(async (_, command) =>
      (await import('./commands/collector.ts')).collector(command.optsWithGlobals()),
    );

  return program;
}
