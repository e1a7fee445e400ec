export { lastObjectNamed } from './find-object.ts';
export { findPath } from './find-path.ts';
export { defaultMaxDepth, type JsonProblem, type Range } from './json-cursor.ts';
export { type MultipartField, multipartBoundary, readMultipartField } from './multipart-head.ts';
export { readBoolean, readNumber, readString, readValue } from './read-value.ts';
export { type Member, type ScanOptions, type ScanResult, scanTopLevel } from './scan-object.ts';
export { searchFor } from './search-for.ts';
export { type Edit, insertMember, removeMember, splice } from './splice.ts';
