import { parse, YAMLParseError } from 'yaml';
import * as z from 'zod';
import { messageOf, TiercelError } from '../../../platform/errors.ts';

/** One entry of Falco's `append_output`. Absent conditions match every rule. */
export interface AppendOutput {
  readonly source?: string;
  readonly rule?: string;
  /** The rule must have all of them. */
  readonly tags: readonly string[];
  /** Goes behind the rule's output, after a blank. */
  readonly extraOutput?: string;
  readonly extraFields: readonly ExtraField[];
}

/** A member added to `output_fields`. `raw`: the typed value of a field under its own name; else the text of a format. */
export interface ExtraField {
  readonly name: string;
  readonly format: string;
  readonly raw: boolean;
}

const entry = z.strictObject({
  match: z
    .strictObject({ source: z.string().optional(), rule: z.string().optional(), tags: z.array(z.string()).default([]) })
    .default({ tags: [] }),
  extra_output: z.string().optional(),
  extra_fields: z.array(z.union([z.string(), z.record(z.string(), z.string())])).default([]),
  suggested_output: z.boolean().optional(),
});
const file = z.looseObject({ append_output: z.array(entry) });

/** Reads the key `append_output` of a Falco configuration. Throws APPEND_OUTPUT_INVALID. */
export function readAppendOutput(yaml: string): AppendOutput[] {
  let document: unknown;
  try {
    document = parse(yaml);
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    throw new TiercelError('APPEND_OUTPUT_INVALID', `expected a Falco configuration in YAML: ${messageOf(error)}`, { cause: error });
  }
  const parsed = file.safeParse(document);
  if (!parsed.success) {
    throw new TiercelError('APPEND_OUTPUT_INVALID', `expected a list of entries under append_output: ${z.prettifyError(parsed.error)}`);
  }
  return parsed.data.append_output.map(({ match, extra_output, extra_fields }) => ({
    tags: match.tags,
    ...(match.source !== undefined && { source: match.source }),
    ...(match.rule !== undefined && { rule: match.rule }),
    ...(extra_output !== undefined && { extraOutput: extra_output }),
    extraFields: extra_fields.flatMap((field): ExtraField[] =>
      typeof field === 'string'
        ? [{ name: field, format: `%${field}`, raw: true }]
        : Object.entries(field).map(([name, format]) => ({ name, format, raw: false })),
    ),
  }));
}
