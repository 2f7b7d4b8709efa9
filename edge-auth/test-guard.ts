export { otherSpellings } from './guard/proxy-files/headers.ts'
