import type * as z from 'zod';

/** One thing wrong with what a policy file says, before it is known where that stands in the text. */
export interface Fault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** It is about this key of the map at `path`, not about a value. */
  readonly key?: string;
  /** It is about this byte of the text at `path`. */
  readonly byte?: number;
}

/** What a schema found, in words for whoever wrote the file. `under` is where the checked value stands. */
export function faultsFrom(issues: readonly z.core.$ZodIssue[], under: readonly PropertyKey[] = [], about = ''): readonly Fault[] {
  return issues.flatMap((issue): readonly Fault[] => {
    const path = [...under, ...issue.path];
    const where = `${about}${issue.path.length > 0 ? `${issue.path.join('.')}: ` : ''}`;
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ path, key, message: `${where}unrecognized key: "${key}"` }));
    if (issue.code === 'invalid_key') {
      const key = String(issue.path.at(-1));
      return issue.issues.map(({ message }) => ({ path: path.slice(0, -1), key, message: `${where}${message}` }));
    }
    if (issue.code === 'invalid_union') {
      // The form that was meant: the one whose outside fits.
      const meant = issue.errors.find((errors) => errors.length > 0 && errors.every((error) => error.path.length > 0)) ?? issue.errors[0];
      return faultsFrom(
        (meant ?? []).map((error) => ({ ...error, path: [...issue.path, ...error.path] })),
        under,
        about,
      );
    }
    if (issue.message.endsWith('received undefined')) return [{ path, message: `${where}is missing` }];
    return [{ path, message: `${where}${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}` }];
  });
}
