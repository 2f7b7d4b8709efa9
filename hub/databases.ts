/** What lies in the state directory, with the folder of its migrations. */
export const hubDatabases = [
  { name: 'registry.db', migrations: new URL('./registry/migrations/', import.meta.url) },
  { name: 'uploads.db', migrations: new URL('./uploads/migrations/', import.meta.url) },
  { name: 'readings.db', migrations: new URL('./store/migrations/', import.meta.url) },
]
