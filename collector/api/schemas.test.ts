import type { Explanation } from '@netfall/catalog/explain';
import type { CrashFrame, CrashReading } from '@netfall/proto';
import type { Static } from 'typebox';
import { Value } from 'typebox/value';
import { expect, expectTypeOf, test } from 'vitest';
import type {
  Crash,
  CrashMismatch,
  CrashRecord,
  HostView,
  IncidentHost,
  IncidentSample,
  RecordReading,
  Signal,
} from '../fold/model.ts';
import type { ChangeView } from './change-view.ts';
import type { CrashGroup, SignaturePreview } from './crash-groups.ts';
import type { CrashLog } from './crash-log.ts';
import type {
  CrashFrameSchema,
  CrashGroupSchema,
  CrashLogSchema,
  CrashMismatchSchema,
  CrashReadingSchema,
  CrashRecordSchema,
  CrashSchema,
  RecordReadingSchema,
  SignaturePreviewSchema,
} from './crash-schemas.ts';
import type { ExplanationSchema } from './explanation.ts';
import {
  type IncidentHostSchema,
  type IncidentSampleSchema,
  type IncidentSchema,
  SignalSchema,
} from './incident-schemas.ts';
import type { IncidentView } from './incident-view.ts';
import type { ChangeSchema, SilenceSchema } from './register-schemas.ts';
import type { HostSchema, SwitchSchema } from './schemas.ts';
import type { SilenceView } from './silence-view.ts';
import type { SwitchView } from './switch-view.ts';

/** Without readonly: schemas do not say it. */
type Plain<T> = T extends readonly (infer Item)[]
  ? Plain<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Plain<T[Key]> }
    : T;

test('the schemas say what the model says', () => {
  expectTypeOf<Plain<Static<typeof IncidentSchema>>>().toEqualTypeOf<Plain<IncidentView>>();
  expectTypeOf<Plain<Static<typeof IncidentHostSchema>>>().toEqualTypeOf<Plain<IncidentHost>>();
  expectTypeOf<Plain<Static<typeof IncidentSampleSchema>>>().toEqualTypeOf<Plain<IncidentSample>>();
  expectTypeOf<Plain<Static<typeof SignalSchema>>>().toEqualTypeOf<Plain<Signal>>();
  expectTypeOf<Plain<Static<typeof HostSchema>>>().toEqualTypeOf<Plain<HostView>>();
  expectTypeOf<Plain<Static<typeof SwitchSchema>>>().toEqualTypeOf<Plain<SwitchView>>();
  expectTypeOf<Plain<Static<typeof ChangeSchema>>>().toEqualTypeOf<Plain<ChangeView>>();
  expectTypeOf<Plain<Static<typeof SilenceSchema>>>().toEqualTypeOf<Plain<SilenceView>>();
  expectTypeOf<Plain<Static<typeof ExplanationSchema>>>().toEqualTypeOf<Plain<Explanation>>();
  expectTypeOf<Plain<Static<typeof CrashSchema>>>().toEqualTypeOf<Plain<Crash>>();
  expectTypeOf<Plain<Static<typeof CrashRecordSchema>>>().toEqualTypeOf<Plain<CrashRecord>>();
  expectTypeOf<Plain<Static<typeof CrashMismatchSchema>>>().toEqualTypeOf<Plain<CrashMismatch>>();
  expectTypeOf<Plain<Static<typeof CrashLogSchema>>>().toEqualTypeOf<Plain<CrashLog>>();
  expectTypeOf<Plain<Static<typeof CrashFrameSchema>>>().toEqualTypeOf<Plain<CrashFrame>>();
  expectTypeOf<Plain<Static<typeof CrashReadingSchema>>>().toEqualTypeOf<Plain<CrashReading>>();
  expectTypeOf<Plain<Static<typeof RecordReadingSchema>>>().toEqualTypeOf<Plain<RecordReading>>();
  expectTypeOf<Plain<Static<typeof CrashGroupSchema>>>().toEqualTypeOf<Plain<CrashGroup>>();
  expectTypeOf<Plain<Static<typeof SignaturePreviewSchema>>>().toEqualTypeOf<Plain<SignaturePreview>>();
  // Those above are checked by the compiler; this tells that the schemas do check something.
  expect(Value.Check(SignalSchema, { kind: 'drop', reason: 'NO_SOCKET', function: '' })).toBe(true);
  expect(Value.Check(SignalSchema, { kind: 'drop', reason: 'NO_SOCKET' })).toBe(false);
});
