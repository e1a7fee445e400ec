/** What came from an upstream is no HTTP reply, or one whose end is in doubt. `message` says why, about "it". */
export class MalformedReply extends Error {
  override readonly name = 'MalformedReply';
}
