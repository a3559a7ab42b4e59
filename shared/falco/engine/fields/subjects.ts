import { ABSENT } from '../document/index.ts';
import type { Paths } from './paths.ts';
import { some } from './read.ts';
import type { Reader } from './row.ts';

export type SubjectKind = 'User' | 'Group' | 'ServiceAccount' | 'NamespacedServiceAccount';

/** Names of a binding's subjects of one kind; `NamespacedServiceAccount` gives `namespace:name`. Subjects without kind or name are passed over. */
export function bindingSubjects(paths: Paths, kind: SubjectKind): Reader {
  const path = paths.audit('requestObject', 'subjects');
  const namespaced = kind === 'NamespacedServiceAccount';
  const wanted = namespaced ? 'ServiceAccount' : kind;
  return (event) => {
    const subjects = path.find(event);
    const document = event.audit;
    if (subjects === ABSENT || !document.isArray(subjects)) return undefined;
    const names: string[] = [];
    for (const subject of document.elements(subjects)) {
      const subjectKind = document.get(subject, 'kind');
      const name = document.get(subject, 'name');
      if (subjectKind === ABSENT || name === ABSENT || document.rawText(subjectKind) !== wanted) continue;
      const text = document.text(name);
      if (!namespaced) names.push(text);
      else {
        const namespace = document.get(subject, 'namespace');
        if (namespace === ABSENT) continue;
        const prefix = document.rawText(namespace);
        names.push(prefix.includes('\0') ? prefix.slice(0, prefix.indexOf('\0')) : `${prefix}:${text}`);
      }
    }
    return some(names);
  };
}
