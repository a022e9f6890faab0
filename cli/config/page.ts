/** docs/configuration.md, as the schemas make it. */
import { join } from 'node:path';
import { AgentConfig } from '@netfall/agent';
import { CollectorConfig } from '@netfall/collector';
import { describeSchema } from './reference.ts';

export const pagePath = join(import.meta.dirname, '../../docs/configuration.md');

const introduction = `<!-- Made by "npm run generate" from agent/config.ts and collector/config.ts: change those instead. -->

# Configuration

Configuration files are YAML. A key that is unknown, stands twice, or has a value of the wrong type or range stops the
start; every problem is named with file, line and key. Nothing is substituted from the environment: secrets come from
files or variables that keys ending in \`_file\` and \`_env\` name. There are examples of an
[agent](../deploy/examples/agent.yaml), a [collector](../deploy/examples/collector.yaml) and
[both in one process](../deploy/examples/up.yaml).

\`netfall up --config FILE\` takes the keys of a collector, and under \`agent\` the keys of an agent but for \`cell\`, \`log\`
and \`data\`, which both share; \`data\` is by default \`$XDG_STATE_HOME/netfall\`. Its options override the file.`;

export function configurationPage(): string {
  return `${[
    introduction,
    describeSchema('`netfall agent --config FILE`', AgentConfig),
    describeSchema('`netfall collector --config FILE`', CollectorConfig),
  ].join('\n\n')}\n`;
}
