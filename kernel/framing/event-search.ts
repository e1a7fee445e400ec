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
