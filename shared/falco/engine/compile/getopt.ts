/**
 * Short options of a command line, as Falco's getopt transformer reads them: stops at `--` and at the first word that is no option,
 * passes over `--long` ones. Without `selected` the answer is options and their values in order (`?` for an unknown one);
 * with it, the last value of that option (its letter when it takes none), `undefined` if it does not occur.
 */
export function getopt(words: readonly string[], optstring: string, selected: string): string | undefined;
export function getopt(words: readonly string[], optstring: string, selected: undefined): string[];
export function getopt(words: readonly string[], optstring: string, selected: string | undefined): string | string[] | undefined {
  const takesValue = readOptstring(optstring);
  const found: string[] = [];
  let last: string | undefined;
  const emit = (letter: string, value: string | undefined) => {
    if (selected === undefined) found.push(letter, ...(value === undefined ? [] : [value]));
    else if (letter === selected) last = value ?? letter;
  };
  for (let w = 0; w < words.length; w++) {
    const word = words[w]!;
    if (word === '--' || word.length < 2 || word[0] !== '-') break;
    if (word[1] === '-') continue;
    for (let i = 1; i < word.length; i++) {
      const letter = word[i]!;
      const needsValue = letter === ':' ? undefined : takesValue.get(letter);
      if (needsValue === undefined) {
        if (selected === undefined) found.push('?');
      } else if (!needsValue) emit(letter, undefined);
      else {
        const value = i + 1 < word.length ? word.slice(i + 1) : words[++w];
        if (value !== undefined) emit(letter, value);
        else if (selected === undefined) found.push('');
        else if (letter === selected) last = '';
        break;
      }
    }
  }
  return selected === undefined ? found : last;
}

/** Option letter → whether it takes a value. */
function readOptstring(optstring: string): Map<string, boolean> {
  const options = new Map<string, boolean>();
  for (let i = optstring[0] === ':' ? 1 : 0; i < optstring.length; i++) {
    const letter = optstring[i]!;
    if (letter === ':') continue;
    const value = optstring[i + 1] === ':';
    options.set(letter, value || options.get(letter) === true);
    if (value) i++;
  }
  return options;
}
