/** What `netfall up` can be told: what a collector can be, and under `agent` what an agent can, but for what they share. */
import { AgentConfig } from '@netfall/agent';
import { CollectorConfig } from '@netfall/collector';
import Type, { type Static } from 'typebox';

const { cell: _cell, data: _data, log: _log, ...agent } = AgentConfig.properties;

export const UpConfig = Type.Object(
  {
    ...CollectorConfig.properties,
    data: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'The folder for log, spool and database. By default $XDG_STATE_HOME/netfall, or ~/.local/state/netfall.',
      }),
    ),
    agent: Type.Object(agent, { additionalProperties: false, default: {} }),
  },
  {
    additionalProperties: false,
    title: 'netfall up',
    description:
      'Configuration of netfall up: the keys of a collector, and the keys of an agent under `agent`.',
  },
);
export type UpConfig = Static<typeof UpConfig>;
