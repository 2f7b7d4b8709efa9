/** What whoever guesses tries first, in small letters and without what is put behind it. */
const firstTries = new Set(
  `access admin administrator asdfgh asdfghjkl automation azerty baseball changeit changeme computer
  default dragon edgeward fabrik factory football gateway geheim geheimnis guest hallo hello hunter
  iloveyou industrial internet kennwort letmein login machine manager maschine master monkey passw
  password passwort plant princess qwerty qwertyuiop qwertz qwertzuiop raspberry root scada schalke
  secret service setup shadow siemens simatic sommer sunshine superman supervisor support sysadmin
  system technician techniker temp test testing toor trustno ubuntu user welcome werk willkommen
  winter xsw zaq`
    .split(/\s+/)
    .filter((word) => word !== ''),
)

/** Letters that are often written as something else. */
const letters: Readonly<Record<string, string>> = { '@': 'a', $: 's', '0': 'o', '1': 'i', '3': 'e', '5': 's' }
const rows = ['01234567890', '09876543210', 'abcdefghijklmnopqrstuvwxyz', '1qaz2wsx3edc4rfv']

/** A word of these with figures and signs around it, one character again and again, or a row of keys. */
export function isCommon(password: string): boolean {
  const small = password.toLowerCase()
  if (/^(.{1,4}?)\1+$/su.test(small) || rows.some((row) => row.includes(small))) return true
  const bare = small.replace(/[^\p{L}@$]+$/u, '').replace(/^[^\p{L}@$]+/u, '')
  const word = [...bare].map((letter) => letters[letter] ?? letter).join('')
  return firstTries.has(word) || firstTries.has(word.replace(/\P{L}+/gu, ''))
}
