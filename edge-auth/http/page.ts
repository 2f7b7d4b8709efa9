import { createHash } from 'node:crypto'
import type { Language } from './texts.ts'

const style = `
:root { color-scheme: light dark; --ink: #1b2733; --paper: #fff; --ground: #eef1f4; --line: #8795a3;
  --accent: #00646e; --on-accent: #fff; --alert: #a3130f; --alert-ground: #fdecea }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --paper: #1c252e; --ground: #11181f;
  --line: #6b7a88; --accent: #4fc3cf; --on-accent: #06282c; --alert: #ffb4ab; --alert-ground: #4a1512 } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 24rem; padding: 2rem; background: var(--paper); border-radius: .75rem;
  box-shadow: 0 1px 3px rgb(0 0 0 / .2) }
h1 { margin: 0 0 1rem; hyphens: auto; overflow-wrap: break-word; font-size: 1.5rem; line-height: 1.25 }
h1 small { display: block; font-size: 1rem; font-weight: 400 }
.name { overflow-wrap: anywhere }
label { display: block; margin: 1rem 0 .25rem; font-weight: 600 }
input:not([type=hidden]):not([hidden]) { width: 100%; min-height: 2.75rem; padding: .5rem .75rem; font: inherit; color: inherit;
  background: transparent; border: 1px solid var(--line); border-radius: .375rem }
input[aria-invalid=true]:not([type=hidden]):not([hidden]) { border: 2px solid var(--alert) }
input + small { display: block; margin-top: .5rem }
button { width: 100%; min-height: 2.75rem; margin-top: 1.5rem; font: inherit; font-weight: 600; cursor: pointer;
  color: var(--on-accent); background: var(--accent); border: 1px solid var(--accent); border-radius: .375rem }
button + button, form + form button { margin-top: .75rem }
a.button { display: block; width: 100%; min-height: 2.75rem; padding: .6rem; margin-top: .75rem; font-weight: 600; text-align: center;
  text-decoration: none; border: 1px solid var(--accent); border-radius: .375rem; color: var(--accent) }
svg.qr { display: block; width: 100%; max-width: 14rem; margin: 1rem auto; background: #fff; border-radius: .375rem }
code { font-size: 1.05rem; overflow-wrap: anywhere }
ul.codes { margin: 1rem 0; padding: 0; list-style: none; text-align: center; line-height: 1.8 }
summary { min-height: 2.75rem; padding-top: 1.25rem; cursor: pointer; font-weight: 600; color: var(--accent) }
button.quiet { color: var(--accent); background: transparent }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.message { margin: 0; padding: .75rem; color: var(--alert); background: var(--alert-ground); border-radius: .375rem }
@media (max-width: 30rem) { body { place-items: start stretch; padding: 0; background: var(--paper) }
  main { max-width: none; padding: 1.5rem; box-shadow: none } }
`

/** Our one style sheet, no script, nothing from elsewhere, never in a frame. */
export const contentSecurityPolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`

/** One document; `title` and `main` are HTML. */
export function page(language: Language, title: string, main: string): string {
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<main>
${main}
</main>
</body>
</html>
`
}

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
