// For `node kernel/main.ts`; main.js is the same without the compiler that strips types.
import './main.js';
