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
  passwordRule: 'At least {min} characters.',
  strongPasswordRule: 'At least {min} characters, with capital and small letters, digits and symbols.',
  newPassword: 'New password',
  newPasswordHow: 'Your password must be changed. Choose a new one to go on.',
  repeatPassword: 'Repeat the new password',
  savePassword: 'Save and sign in',
  signOutEverywhere: 'Sign out on all devices',
  create: 'Create and sign in',
  wrong: 'User name or password is wrong.',
  wrongCode: 'The one-time code is wrong.',
  badName: 'A user name has up to 128 letters, digits and the characters . _ @ -',
  badPassword: 'This password is too short, too long or too simple.',
  samePassword: 'The new password must differ from the old one.',
  unequalPasswords: 'The two passwords differ.',
  locked: 'Too many failed attempts. Please wait {minutes} min and try again.',
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
  passwordRule: 'Mindestens {min} Zeichen.',
  strongPasswordRule: 'Mindestens {min} Zeichen, mit Groß- und Kleinbuchstaben, Ziffern und Sonderzeichen.',
  newPassword: 'Neues Passwort',
  newPasswordHow: 'Ihr Passwort muss geändert werden. Wählen Sie ein neues, um fortzufahren.',
  repeatPassword: 'Neues Passwort wiederholen',
  savePassword: 'Speichern und anmelden',
  signOutEverywhere: 'Auf allen Geräten abmelden',
  create: 'Anlegen und anmelden',
  wrong: 'Benutzername oder Passwort ist falsch.',
  wrongCode: 'Der Einmalcode ist falsch.',
  badName: 'Ein Benutzername hat bis zu 128 Buchstaben, Ziffern und die Zeichen . _ @ -',
  badPassword: 'Dieses Passwort ist zu kurz, zu lang oder zu einfach.',
  samePassword: 'Das neue Passwort muss sich vom alten unterscheiden.',
  unequalPasswords: 'Die beiden Passwörter sind verschieden.',
  locked: 'Zu viele Fehlversuche. Bitte warten Sie {minutes} min und versuchen Sie es dann erneut.',
  busy: 'Zu viele Anmeldungen zugleich. Bitte gleich noch einmal versuchen.',
  expired: 'Dieses Formular gilt nicht mehr. Bitte noch einmal versuchen.',
}

const languages = { en: english, de: german }
export type Language = keyof typeof languages
/** A text with its places filled in. */
export const fill = (text: string, values: Readonly<Record<string, number>>): string =>
  text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]))

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
