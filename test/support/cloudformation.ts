import { type CollectionTag, parseDocument, type ScalarTag } from 'yaml';

interface CloudFormationResource {
  Type: string;
  Properties?: Record<string, unknown>;
  [attribute: string]: unknown;
}

export interface CloudFormationTemplate {
  Resources?: Record<string, CloudFormationResource>;
  Outputs?: Record<string, unknown>;
}

/** The short forms of intrinsic functions our files use; kept as their text, e.g. `!Ref X` → 'X'. */
const SHORT_FORMS = ['!Ref', '!GetAtt', '!Sub'];

/** `!FindInMap [map, first, second]` is kept as its list. */
const findInMap: CollectionTag = { tag: '!FindInMap', collection: 'seq', resolve: (list) => list };

const tags: (ScalarTag | CollectionTag)[] = [...SHORT_FORMS.map((tag) => ({ tag, resolve: (text: string) => text })), findInMap];

/** Reads a CloudFormation fragment. @throws Error naming the first YAML error with line and column. */
export function readCloudFormation(text: string): CloudFormationTemplate {
  const document = parseDocument(text, { customTags: tags });
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem) throw problem;
  return document.toJS() as CloudFormationTemplate;
}
