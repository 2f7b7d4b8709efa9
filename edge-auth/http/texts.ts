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
  secondFactor: 'Second factor',
  totpCode: 'Code of your app',
  totpHow: 'Open your authenticator app and type the code of six digits that it shows for this device.',
  totpButton: 'Sign in',
  recoveryHow: 'No app at hand? Use a recovery code',
  recoveryCode: 'Recovery code',
  setUp: 'Set up a second factor',
  setUpHow:
    'From now on signing in takes a code beside your password. Scan this picture with an authenticator app.',
  setUpPicture: 'QR code for an authenticator app',
  setUpByHand: 'Or type this secret into it:',
  setUpHere: 'Open the app on this phone',
  setUpAgain: 'Sign in once more to set up a second factor.',
  setUpCode: 'Code that the app shows now',
  setUpButton: 'Set up',
  recoveryTitle: 'Your recovery codes',
  recoveryKeep:
    'Without your app each of these signs you in once. Write them down now: they are not shown again.',
  goOn: 'I have written them down',
  wrongTotp: 'The code is wrong or was used before. Wait for the next one.',
  wrongSetUpCode:
    'This is not the code that belongs to this secret. Check that the time of your phone is right.',
  breakGlass: 'Emergency entry',
  breakGlassHow:
    'This device signs people in elsewhere. When that does not work, whoever holds the device can make a code for an administrator: edgeward break-glass USER.',
  breakGlassCode: 'Break-glass code',
  wrongBreakGlass: 'User name or code is wrong.',
  ssoOnly: 'People sign in to this device by single sign-on only.',
  toSso: 'To single sign-on',
  hasSecondFactor: 'A second factor is set up.',
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
  secondFactor: 'Zweiter Faktor',
  totpCode: 'Code Ihrer App',
  totpHow:
    'Öffnen Sie Ihre Authentifizierungs-App und geben Sie den sechsstelligen Code ein, den sie für dieses Gerät zeigt.',
  totpButton: 'Anmelden',
  recoveryHow: 'App nicht zur Hand? Wiederherstellungscode benutzen',
  recoveryCode: 'Wiederherstellungscode',
  setUp: 'Zweiten Faktor einrichten',
  setUpHow:
    'Von jetzt an braucht die Anmeldung neben dem Passwort einen Code. Scannen Sie dieses Bild mit einer Authentifizierungs-App.',
  setUpPicture: 'QR-Code für eine Authentifizierungs-App',
  setUpByHand: 'Oder geben Sie dort dieses Geheimnis ein:',
  setUpHere: 'Die App auf diesem Telefon öffnen',
  setUpAgain: 'Melden Sie sich noch einmal an, um einen zweiten Faktor einzurichten.',
  setUpCode: 'Code, den die App jetzt zeigt',
  setUpButton: 'Einrichten',
  recoveryTitle: 'Ihre Wiederherstellungscodes',
  recoveryKeep:
    'Ohne Ihre App meldet jeder davon Sie einmal an. Notieren Sie sie jetzt: Sie werden nicht wieder gezeigt.',
  goOn: 'Ich habe sie notiert',
  wrongTotp: 'Der Code ist falsch oder wurde schon benutzt. Warten Sie auf den nächsten.',
  wrongSetUpCode:
    'Das ist nicht der Code zu diesem Geheimnis. Prüfen Sie, ob die Uhr Ihres Telefons richtig geht.',
  breakGlass: 'Notzugang',
  breakGlassHow:
    'An diesem Gerät meldet man sich anderswo an. Wenn das nicht geht, kann, wer das Gerät in Händen hat, einen Code für einen Administrator erzeugen: edgeward break-glass BENUTZER.',
  breakGlassCode: 'Notfallcode',
  wrongBreakGlass: 'Benutzername oder Code ist falsch.',
  ssoOnly: 'An diesem Gerät meldet man sich nur per Single Sign-on an.',
  toSso: 'Zum Single Sign-on',
  hasSecondFactor: 'Ein zweiter Faktor ist eingerichtet.',
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
