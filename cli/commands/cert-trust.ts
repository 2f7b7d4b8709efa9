export interface TrustStep {
  system: string
  text: readonly string[]
}

/** What a person does on each kind of device, once the file is there. */
export function trustSteps(file: string): readonly TrustStep[] {
  const name = `${file.replace(/\.[^.]*$/, '')}.crt`
  return [
    {
      system: 'Debian, Ubuntu',
      text: [
        `openssl x509 -in ${file} -noout -fingerprint -sha256`,
        `sudo cp ${file} /usr/local/share/ca-certificates/${name}`,
        'sudo update-ca-certificates',
      ],
    },
    {
      system: 'RHEL, Fedora, Rocky',
      text: [
        `openssl x509 -in ${file} -noout -fingerprint -sha256`,
        `sudo cp ${file} /etc/pki/ca-trust/source/anchors/${name}`,
        'sudo update-ca-trust',
      ],
    },
    {
      system: 'Windows (PowerShell as administrator)',
      text: [
        `$c = New-Object Security.Cryptography.X509Certificates.X509Certificate2 (Resolve-Path ${file})`,
        "[BitConverter]::ToString([Security.Cryptography.SHA256]::Create().ComputeHash($c.RawData)) -replace '-', ':'",
        `certutil -addstore -f Root ${file}`,
      ],
    },
    {
      system: 'macOS',
      text: [
        `openssl x509 -in ${file} -noout -fingerprint -sha256`,
        `sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ${file}`,
      ],
    },
    {
      system: 'Android',
      text: [
        'Copy the file to the device. Settings > Security > Encryption and credentials > Install a certificate >',
        'CA certificate. Then Trusted credentials > User shows its SHA-256. Chrome obeys it; apps only where they say so.',
      ],
    },
    {
      system: 'Firefox',
      text: [
        'Settings > Privacy & Security > View Certificates > Authorities > Import: "identify websites".',
        'Or, for all of a plant, the policy Certificates: {"ImportEnterpriseRoots": true} takes those of the system.',
      ],
    },
  ]
}
