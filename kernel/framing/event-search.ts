const searches = new WeakMap<readonly string[], RegExp>();

/** One search for all of these words, which are ASCII: much cheaper than one after the other. For `latin1` text of UTF-8 bytes. */
export function searchFor(words: readonly string[]): RegExp {
  let search = searches.get(words);
  if (search === undefined) {
    search = new RegExp(words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'));
    searches.set(words, search);
  }
  return search;
}

/** Where the server-sent event that holds position `at` begins: behind the last blank line before it, in any style of newline. */
export function eventStart(text: string, at: number): number {
  let start = text.lastIndexOf('\n\n', at - 1) + 2;
  if (start === 1) start = 0;
  const before = text.slice(start, at);
  const crlf = before.lastIndexOf('\n\r\n');
  const cr = before.lastIndexOf('\r\r');
  start += Math.max(crlf === -1 ? 0 : crlf + 3, cr === -1 ? 0 : cr + 2);
  // The line feed of a CRLF that was cut in two belongs to what went before.
  return text[start] === '\n' && start < at ? start + 1 : start;
}

/** Where the event that holds position `at` ends: behind the next blank line, or at the text's end. */
export function eventEnd(text: string, at: number): number {
  let end = text.length;
  for (const blank of ['\n\n', '\n\r\n', '\r\r']) {
    const found = text.indexOf(blank, at);
    if (found !== -1) end = Math.min(end, found + blank.length);
  }
  return end;
}
