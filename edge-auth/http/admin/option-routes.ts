import Type from 'typebox'
import { OptionName, OptionValue } from '../../options/operations.ts'
import type { AdminRoute } from './route-table.ts'

const Option = Type.Object({
  category: Type.String(),
  key: Type.String(),
  value: Type.String(),
  owner: Type.Union([Type.String(), Type.Null()]),
  updatedAt: Type.Number(),
  revision: Type.Integer(),
  locked: Type.Boolean(),
})
const strict = { additionalProperties: false }
const Named = Type.Object({ category: OptionName, key: OptionName })
const path = '/options/:category/:key'
const example = { category: 'example', key: 'greeting' }

export const optionRoutes: readonly AdminRoute[] = [
  {
    id: 'listOptions',
    method: 'GET',
    path: '/options',
    needs: { category: 'Options', act: 'read' },
    owned: true,
    query: Type.Object({ category: Type.Optional(OptionName) }, strict),
    answer: Type.Array(Option),
    operation: 'option.list',
    summary: 'Options, or those of one category',
  },
  {
    id: 'getOption',
    method: 'GET',
    path,
    needs: { category: 'Options', act: 'read' },
    owned: true,
    params: Named,
    answer: Option,
    revisioned: true,
    operation: 'option.get',
    summary: 'An option',
    example: { params: example },
  },
  {
    id: 'putOption',
    method: 'PUT',
    path,
    needs: { category: 'Options', act: 'update' },
    owned: true,
    params: Named,
    body: Type.Object({ value: OptionValue }, strict),
    answer: Option,
    revisioned: true,
    puts: true,
    operation: 'option.set',
    summary: 'Set an option, or make one; obeyed at once',
    example: { params: example, body: { value: 'hello' } },
  },
  {
    id: 'deleteOption',
    method: 'DELETE',
    path,
    needs: { category: 'Options', act: 'delete' },
    owned: true,
    params: Named,
    revisioned: true,
    operation: 'option.remove',
    summary: 'Remove an option, so that its default counts again',
    example: { params: example },
  },
]
