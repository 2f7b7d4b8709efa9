import { test } from 'vitest'

test('passes', () => {})

test.todo('will be written')
