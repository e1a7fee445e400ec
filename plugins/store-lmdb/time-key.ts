/** A time in milliseconds since 1970 as a key that sorts by time: nine base-36 digits last until the year 5188. */
export function timeKey(time: number): string {
  return Math.max(0, Math.floor(time)).toString(36).padStart(9, '0');
}
