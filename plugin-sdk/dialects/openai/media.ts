import type { MediaSource } from '../../conversation/index.ts';
import { mediaTypeOfName } from '../media-types.ts';

/** A source, and how it was written where that is not the usual way. */
export interface SpeltSource {
  readonly source: MediaSource;
  readonly spelling?: string;
}

/** The spelling of base64 that states no type. */
const bare = '';

/**
 * A URL or `data:` URI as a source. `image/jpg`, which does not exist but is often written, becomes `image/jpeg`, and
 * parameters (jsPDF writes `application/pdf;filename=generated.pdf`) are no part of the type; `spelling` then keeps what
 * was read.
 */
export function sourceOfUrl(url: string): SpeltSource {
  const match = dataUri.exec(url);
  if (match === null) return { source: { kind: 'url', url } };
  const written = match[1]!;
  const type = written.split(';', 1)[0]!;
  const mediaType = type === 'image/jpg' ? 'image/jpeg' : type;
  const source: MediaSource = { kind: 'base64', mediaType, data: url.slice(match[0].length) };
  return mediaType === written ? { source } : { source, spelling: written };
}

const dataUri = /^data:([\w.+-]+\/[\w.+-]+(?:;[^;,]+)*?);base64,/;

/**
 * What `file_data` holds: a `data:` URI, or base64 alone ("the base64 encoded file data", OpenAI's reference), of which the
 * file's name tells the type. `undefined` for anything else.
 */
export function sourceOfFileData(data: string, name: string | undefined): SpeltSource | undefined {
  const read = sourceOfUrl(data);
  if (read.source.kind === 'base64') return read;
  if (!base64.test(data)) return undefined;
  const told = data.startsWith(pdfSign) ? 'application/pdf' : 'application/octet-stream';
  return { source: { kind: 'base64', mediaType: mediaTypeOfName(name ?? '') ?? told, data }, spelling: bare };
}

const base64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** `%PDF-` */
const pdfSign = 'JVBERi';

/** The URL form of a source; `undefined` for a stored file or plain text, which have none. */
export function urlOfSource(source: MediaSource, spelling?: string): string | undefined {
  if (source.kind === 'url') return source.url;
  if (source.kind === 'base64' && spelling === bare) return source.data;
  if (source.kind === 'base64') return `data:${spelling ?? source.mediaType};base64,${source.data}`;
  return undefined;
}

/** OpenAI names audio by container (`mp3`), everyone else by media type. */
export function audioMediaType(format: string): string {
  return format === 'mp3' ? 'audio/mpeg' : `audio/${format}`;
}

/** The OpenAI name of an audio media type: `audio/x-wav` is `wav`. */
export function audioFormat(mediaType: string): string {
  const subtype = mediaType.split(';', 1)[0]!.replace(/^audio\/(x-)?/, '');
  if (subtype === 'mpeg') return 'mp3';
  return subtype === 'wave' || subtype === 'vnd.wave' ? 'wav' : subtype;
}
