/** Bedrock names media by a format word, everyone else by media type. */
const documents: Readonly<Record<string, string>> = {
  pdf: 'application/pdf',
  csv: 'text/csv',
  doc: 'application/msword',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xls: 'application/vnd.ms-excel',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  html: 'text/html',
  txt: 'text/plain',
  md: 'text/markdown',
};
const videoFormats: ReadonlySet<string> = new Set([
  'mkv',
  'mov',
  'mp4',
  'webm',
  'flv',
  'mpeg',
  'mpg',
  'wmv',
  'three_gp',
]);
const videoWords: Readonly<Record<string, string>> = {
  'video/quicktime': 'mov',
  'video/x-matroska': 'mkv',
  'video/3gpp': 'three_gp',
};
const audioWords: Readonly<Record<string, string>> = { 'audio/mpeg': 'mp3', 'audio/x-wav': 'wav', 'audio/mp3': 'mp3' };

export function documentType(format: string): string {
  return documents[format] ?? `application/${format}`;
}

/** The document format of a media type, or of the file's name; text of any kind is `txt`. */
export function documentFormat(mediaType: string, name: string | undefined): string | undefined {
  const known = Object.keys(documents).find((format) => documents[format] === mediaType);
  if (known !== undefined) return known;
  const extension = name?.slice(name.lastIndexOf('.') + 1).toLowerCase() ?? '';
  if (documents[extension] !== undefined) return extension;
  return mediaType.startsWith('text/') || mediaType === 'application/json' || mediaType === 'application/xml'
    ? 'txt'
    : undefined;
}

export function videoFormat(mediaType: string): string | undefined {
  const word = videoWords[mediaType] ?? mediaType.slice(mediaType.indexOf('/') + 1);
  return videoFormats.has(word) ? word : undefined;
}

export function audioFormat(mediaType: string): string {
  return audioWords[mediaType] ?? mediaType.slice(mediaType.indexOf('/') + 1);
}

const fileNameLimit = 200;

/** A document name as Bedrock takes it: letters, digits, single spaces, `-()[]`; different from those in `taken`. */
export function documentName(name: string | undefined, taken: Set<string>): string {
  const plain = (name ?? '')
    .replace(/\.[^.]*$/, '')
    .replace(/[^a-zA-Z0-9\-()[\] ]/g, ' ')
    .replace(/ +/g, ' ')
    .trim()
    .slice(0, fileNameLimit - 5);
  const base = plain === '' ? 'document' : plain;
  let chosen = base;
  for (let n = 2; taken.has(chosen); n++) chosen = `${base} ${n}`;
  taken.add(chosen);
  return chosen;
}
