import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { Pieces } from '../../plugin-sdk/index.ts';
import { latin1 } from '../latin1.ts';
import type { WireRequest } from './wire-request.ts';

/** Bodies up to this many bytes go out in one piece with their head: a copy is cheaper than a second piece. */
const joinedBytes = 8_192;

/** What becomes of a streamed body. After `onBodyEnd` or `onBodyError` nothing more is called. */
export interface UploadProgress {
  /** A piece was handed to the connection. */
  onBodySent(): void;
  onBodyEnd(): void;
  onBodyError(error: Error): void;
}

/** Writes a request to a connection. Of a streamed body it returns what stops it. */
export function writeRequest(
  socket: Socket,
  { head, body, streamBytes }: WireRequest,
  progress: UploadProgress,
): (() => void) | undefined {
  if (body instanceof Readable) {
    socket.write(head, 'latin1');
    return upload(socket, body, streamBytes, progress);
  }
  if (body === undefined) socket.write(head, 'latin1');
  else if (body instanceof Pieces) writeParts(socket, head, body.list);
  else writeWhole(socket, head, body);
  return undefined;
}

function writeWhole(socket: Socket, head: string, body: Buffer | string): void {
  const bodyBytes = Buffer.byteLength(body);
  if (bodyBytes > joinedBytes) {
    writeParts(socket, head, [body]);
    return;
  }
  socket.write(head + latin1(body, bodyBytes), 'latin1');
}

function writeParts(socket: Socket, head: string, parts: readonly (Buffer | string)[]): void {
  socket.cork();
  socket.write(head, 'latin1');
  for (const part of parts) socket.write(part);
  socket.uncork();
}

/**
 * Writes a body at the pace of the connection: as it is when `length` bytes were declared, in chunks when none were.
 * Returns what stops it; the body is then destroyed.
 */
function upload(socket: Socket, body: Readable, length: number | undefined, progress: UploadProgress): () => void {
  let left = length ?? 0;
  const write = (bytes: Buffer): boolean => {
    if (length === undefined) return writeChunk(socket, bytes);
    left -= bytes.length;
    return socket.write(bytes);
  };
  const onData = (piece: Buffer | string): void => {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    if (bytes.length === 0) return;
    const takesMore = write(bytes);
    progress.onBodySent();
    if (left < 0) onError(new Error('the request body is longer than was declared'));
    else if (!takesMore) body.pause();
  };
  const onDrain = (): void => {
    body.resume();
  };
  const onEnd = (): void => {
    if (left > 0) return onError(new Error('the request body is shorter than was declared'));
    detach();
    if (length === undefined) socket.write('0\r\n\r\n', 'latin1');
    progress.onBodyEnd();
  };
  const onError = (error: Error): void => {
    detach();
    progress.onBodyError(error);
  };
  const onClose = (): void => onError(new Error('the request body ended before it was complete'));
  const detach = (): void => {
    socket.off('drain', onDrain);
    body.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onError);
    // It may break later, when that concerns nobody.
    body.on('error', ignore);
  };
  if (body.destroyed) {
    onError(body.errored ?? new Error('the request body was given up before it was sent'));
  } else {
    socket.on('drain', onDrain);
    body.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  }
  return () => {
    detach();
    body.destroy();
  };
}

function writeChunk(socket: Socket, bytes: Buffer): boolean {
  socket.cork();
  socket.write(`${bytes.length.toString(16)}\r\n`, 'latin1');
  socket.write(bytes);
  const takesMore = socket.write('\r\n', 'latin1');
  socket.uncork();
  return takesMore;
}

function ignore(): void {}
