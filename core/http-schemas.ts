import serializers, { type SerializerFactory } from '@fastify/fast-json-stringify-compiler'
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'

/**
 * The code that checks a request and writes an answer is made when a route is first asked: a process is
 * asked few of its routes ever, and making it for all of them was a third of the start.
 */
const onUse =
  <R, A extends unknown[], V>(compile: (route: R) => (...given: A) => V) =>
  (route: R) => {
    let compiled: ((...given: A) => V) | undefined
    return (...given: A): V => {
      compiled ??= compile(route)
      return compiled(...given)
    }
  }

export const checkingOnUse: FastifySchemaCompiler<TSchema> = onUse(TypeBoxValidatorCompiler)

export const writingOnUse: SerializerFactory = (...shared) => onUse(serializers()(...shared))
