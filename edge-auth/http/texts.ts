const english = {
  signIn: 'Sign in',
  signOut: 'Sign out',
  username: 'User name',
  password: 'Password',
  device: 'on this device',
  signedInAs: 'Signed in as',
  roles: 'Roles',
  firstAdmin: 'First administrator',
  firstAdminHow:
    'Nobody can sign in to this device yet. Read the one-time code from the file named in its log, then choose a user name and a password.',
  code: 'One-time code',
  passwordRule: 'At least 8 characters.',
  create: 'Create and sign in',
  wrong: 'User name or password is wrong.',
  wrongCode: 'The one-time code is wrong.',
  badName: 'A user name has up to 128 letters, digits and the characters . _ @ -',
  badPassword: 'A password has 8 to 1024 bytes.',
  busy: 'Too many people are signing in. Try again in a moment.',
  expired: 'This form is no longer good. Please try again.',
}
export type Texts = typeof english

const german: Texts = {
  signIn: 'Anmelden',
  signOut: 'Abmelden',
  username: 'Benutzername',
  password: 'Passwort',
  device: 'an diesem Gerät',
  signedInAs: 'Angemeldet als',
  roles: 'Rollen',
  firstAdmin: 'Erster Administrator',
  firstAdminHow:
    'An diesem Gerät kann sich noch niemand anmelden. Lesen Sie den Einmalcode aus der Datei, die im Protokoll genannt ist, und wählen Sie Benutzername und Passwort.',
  code: 'Einmalcode',
  passwordRule: 'Mindestens 8 Zeichen.',
  create: 'Anlegen und anmelden',
  wrong: 'Benutzername oder Passwort ist falsch.',
  wrongCode: 'Der Einmalcode ist falsch.',
  badName: 'Ein Benutzername hat bis zu 128 Buchstaben, Ziffern und die Zeichen . _ @ -',
  badPassword: 'Ein Passwort hat 8 bis 1024 Byte.',
  busy: 'Zu viele Anmeldungen zugleich. Bitte gleich noch einmal versuchen.',
  expired: 'Dieses Formular gilt nicht mehr. Bitte noch einmal versuchen.',
}

const languages = { en: english, de: german }
export type Language = keyof typeof languages
export const textsOf = (language: Language): Texts => languages[language]

/** The language of ours that an Accept-Language header likes best; English unless German is liked more. */
export function chooseLanguage(accepted: string | undefined): Language {
  const wishes = (accepted ?? '')
    .split(',')
    .map((part) => /^\s*([a-z]{1,8})(?:-[\w-]*)?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*$/i.exec(part))
    .filter((match) => match !== null)
    .map(([, language, q]) => ({ language: language?.toLowerCase(), q: q === undefined ? 1 : Number(q) }))
    .filter(({ language, q }) => q > 0 && (language === 'en' || language === 'de'))
    .sort((a, b) => b.q - a.q)
  return wishes[0]?.language === 'de' ? 'de' : 'en'
}
