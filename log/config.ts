/** Where the log is, as agents and collectors are configured alike. */
import Type, { type Static } from 'typebox';

export const LogConfig = Type.Object(
  {
    nats: Type.Optional(
      Type.Object(
        {
          servers: Type.Array(Type.String({ minLength: 1 }), {
            minItems: 1,
            description: 'host:port of the NATS servers.',
          }),
          credentials_file: Type.Optional(
            Type.String({ minLength: 1, description: 'A NATS credentials (.creds) file.' }),
          ),
          inbox_prefix: Type.Optional(
            Type.String({
              pattern: '^[A-Za-z0-9_-]+([.][A-Za-z0-9_-]+)*$',
              description:
                "What this user's reply subjects begin with; by default what all users' do, `_INBOX`.",
            }),
          ),
        },
        { additionalProperties: false, description: 'The NATS servers that hold the log.' },
      ),
    ),
  },
  { additionalProperties: false, default: {}, description: 'Where the log is.' },
);
export type LogConfig = Static<typeof LogConfig>;
