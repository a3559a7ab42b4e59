const BLOCK = 512;

/** A tar archive (POSIX ustar) of plain files, owned by root, of no time: the same files make the same bytes. Names are at most 100 bytes of ASCII. */
export function tarOf(files: readonly { readonly name: string; readonly bytes: Uint8Array }[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const { name, bytes } of files) {
    if (!/^[\x21-\x7e]{1,100}$/.test(name))
      throw new RangeError(`expected a name of at most 100 ASCII characters for a tar archive, not ${name}`);
    parts.push(header(name, bytes.length), bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK));
  }
  parts.push(Buffer.alloc(2 * BLOCK));
  return Buffer.concat(parts);
}

function header(name: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, width: number) => block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
  block.write(name, 0, 'latin1');
  octal(0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  // The checksum, which counts itself as blanks, and the kind: a plain file.
  block.write('        0', 148, 'latin1');
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
