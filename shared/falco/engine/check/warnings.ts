import type { Check } from '../ast.ts';
import { isKnownField } from '../fields/index.ts';
import type { Problem } from './index.ts';

const EQUALITY = ['=', '==', '!=', 'in', 'intersects', 'pmatch'];
const TRANSFORMERS = ['val', 'tolower', 'toupper', 'b64', 'basename', 'len', 'join', 'concat', 'getopt'];

/** What Falco loads but warns about. */
export function warningsOf(check: Check): Problem[] {
  if (check.type === 'exists' || (check.right.type !== 'constant' && check.right.type !== 'list')) return [];
  const constants = check.right.type === 'list' ? check.right.items : [check.right];
  const warnings: Problem[] = [];
  const warn = (code: Problem['code'], message: string, span = check.span) =>
    warnings.push({ code, level: 'warning', message, span, check });
  const { left } = check;
  if (left.type === 'field' && /^(ka|jevt)\./.test(left.name) && !check.modifier && EQUALITY.includes(check.operator)) {
    const unsafe = constants.find((constant) => constant.text === '<NA>');
    if (unsafe) {
      warn('LOAD_UNSAFE_NA_CHECK', `a missing ${left.name} is not <NA>: write 'exists' or 'not ${left.name} exists'`, unsafe.span);
    }
  }
  for (const constant of constants) {
    const { text, span } = constant;
    const tight = text.replace(/[ \t\n\v\f\r]/g, '');
    if (check.operator === 'regex' && isSimple(text)) {
      warn(
        'LOAD_COMPILE_CONDITION',
        `the regular expression '${text}' could be =, contains, startswith or endswith, which are cheaper`,
        span,
      );
    }
    if (looksLikeField(tight)) {
      warn('LOAD_COMPILE_CONDITION', `'${text}' is compared as text: to compare with the field write val(${tight})`, span);
    }
    if (TRANSFORMERS.some((name) => tight.startsWith(`${name}(`) && tight.endsWith(')') && tight.length >= name.length + 2)) {
      warn('LOAD_COMPILE_CONDITION', `'${text}' is compared as text: a transformer must not be quoted`, span);
    }
  }
  return warnings;
}

function looksLikeField(text: string): boolean {
  const open = text.indexOf('[');
  if (open < 0) return isKnownField(text);
  return text.endsWith(']') && isKnownField(text.slice(0, open), text.slice(open + 1, -1));
}

/** No special character but anchors and a leading or trailing "anything". */
function isSimple(pattern: string): boolean {
  const last = pattern.length - 1;
  for (let i = 0; i <= last; i++) {
    const c = pattern[i]!;
    if ((i === 0 && c === '^') || (i === last && c === '$')) continue;
    if (((i === 0 && last > 0) || i === last - 1) && c === '.' && '+*?'.includes(pattern[i + 1]!)) {
      i++;
      continue;
    }
    if ('.+*?^$()[]{}|\\'.includes(c)) return false;
  }
  return true;
}
