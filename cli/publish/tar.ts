const BLOCK = 512;

/**
 * A tar archive (POSIX ustar) of one folder with plain files, owned by root, of no time: the same files make the same bytes. Names with
 * their folder are at most 100 bytes of ASCII.
 */
export function tarOf(folder: string, files: readonly { readonly name: string; readonly bytes: Uint8Array }[]): Buffer {
  const parts: Uint8Array[] = [header({ name: `${folder}/`, kind: 'folder', size: 0 })];
  for (const { name, bytes } of files)
    parts.push(
      header({ name: `${folder}/${name}`, kind: 'file', size: bytes.length }),
      bytes,
      Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK),
    );
  parts.push(Buffer.alloc(2 * BLOCK));
  return Buffer.concat(parts);
}

interface Entry {
  readonly name: string;
  readonly kind: 'file' | 'folder';
  readonly size: number;
}

function header({ name, kind, size }: Entry): Buffer {
  if (!/^[\x21-\x7e]{1,100}$/.test(name))
    throw new RangeError(`expected a name of at most 100 ASCII characters for a tar archive, not ${name}`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, width: number) => block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
  block.write(name, 0, 'latin1');
  octal(kind === 'folder' ? 0o755 : 0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  // The checksum counts itself as blanks.
  block.write(`        ${kind === 'folder' ? 5 : 0}`, 148, 'latin1');
  block.write('ustar\x0000root', 257, 'latin1');
  block.write('root', 297, 'latin1');
  block.write(
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
    'latin1',
  );
  return block;
}
