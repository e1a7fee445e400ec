/** A value now or later. Code on the request path stays synchronous until something really waits. */
export type MaybePromise<T> = T | Promise<T>;

/** What a hook handler may return: the value, nothing (no opinion), or a promise of either. */
export type Opinion<T> = T | undefined | void | Promise<T | undefined | void>;

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** Goes on with a value: at once when it is there, later when it is a promise. */
export function chain<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return isThenable(value) ? (value as Promise<T>).then(next) : next(value as T);
}
