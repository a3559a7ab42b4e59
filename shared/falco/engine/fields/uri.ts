/**
 * The query of a request URI as Go's url.Parse and url.ParseQuery read it. Byte strings in and out.
 * `undefined`: Go reports an error, and then no parameter exists.
 */
export function queryParameter(uri: string, name: string): { readonly value: string | undefined } | undefined {
  const query = rawQuery(uri);
  if (query === undefined) return undefined;
  let value: string | undefined;
  for (const part of query.split('&')) {
    if (part.includes(';')) return undefined;
    if (part === '') continue;
    const equals = part.indexOf('=');
    const key = unescapeQuery(equals < 0 ? part : part.slice(0, equals));
    const text = unescapeQuery(equals < 0 ? '' : part.slice(equals + 1));
    if (key === undefined || text === undefined) return undefined;
    if (value === undefined && key === name) value = text;
  }
  return { value };
}

/** url.Parse as far as it can fail or find the query. */
function rawQuery(uri: string): string | undefined {
  const hash = uri.indexOf('#');
  const fragment = hash < 0 ? '' : uri.slice(hash + 1);
  let rest = hash < 0 ? uri : uri.slice(0, hash);
  if (/[\x00-\x1f\x7f]/.test(rest) || !validEscapes(fragment)) return undefined;
  if (rest === '*') return '';
  const scheme = takeScheme(rest);
  if (scheme === undefined) return undefined;
  rest = rest.slice(scheme);
  let query = '';
  const mark = rest.indexOf('?');
  if (mark >= 0) {
    query = rest.slice(mark + 1);
    rest = rest.slice(0, mark);
  }
  if (!rest.startsWith('/')) {
    if (scheme > 0) return query;
    // Without a scheme the first segment must not hold a colon.
    if (rest.split('/', 1)[0]!.includes(':')) return undefined;
  } else if (rest.startsWith('//') && (scheme > 0 || !rest.startsWith('///'))) {
    const slash = rest.indexOf('/', 2);
    const authority = slash < 0 ? rest.slice(2) : rest.slice(2, slash);
    if (!validAuthority(authority)) return undefined;
    rest = slash < 0 ? '' : rest.slice(slash);
  }
  return validEscapes(rest) ? query : undefined;
}

/** Length of `scheme:` at the beginning, 0 when there is none, `undefined` for Go's "missing protocol scheme". */
function takeScheme(text: string): number | undefined {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*)?:/.exec(text);
  if (!match) return 0;
  return match[1] === undefined ? undefined : match[0].length;
}

function validAuthority(authority: string): boolean {
  const at = authority.lastIndexOf('@');
  const user = at < 0 ? '' : authority.slice(0, at);
  const host = authority.slice(at + 1);
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user) || !validEscapes(user)) return false;
  if (host.startsWith('[')) {
    const close = host.lastIndexOf(']');
    return close > 0 && validPort(host.slice(close + 1));
  }
  const colon = host.lastIndexOf(':');
  if (colon >= 0 && !validPort(host.slice(colon))) return false;
  return /^(?:[A-Za-z0-9\-_.~!$&'()*+,;=:\]<>"\x80-\xff]|%[89a-fA-F][0-9a-fA-F]|%25)*$/.test(host);
}

function validPort(text: string): boolean {
  return /^(:[0-9]*)?$/.test(text);
}

function validEscapes(text: string): boolean {
  return !/%(?![0-9a-fA-F]{2})/.test(text);
}

/** url.QueryUnescape. */
function unescapeQuery(text: string): string | undefined {
  if (!validEscapes(text)) return undefined;
  return text.replaceAll('+', ' ').replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
