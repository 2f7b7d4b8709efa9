export { completion, type Shell, shells } from './completion.ts'
export { manPage } from './man-page.ts'
export { programOf, wordsOf } from './words.ts'
