// The parts that our code consists of in the executable, each with its cache: for each verb of a
// program what its usual call runs, and the rest; the operator's commands; packages set aside.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { canMakeCaches, makeCodeCache, surveyCall } from './code-cache.mjs'
import { VERBS } from './rehearsal.cjs'
import { Program } from './split.mjs'
import { PROGRAMS } from '../paths.mjs'

/**
 * @param {object} job
 * @param {string} job.arch
 * @param {string} job.node path of the Node that will run them
 * @param {Record<string, string>} job.programs texts of the programs and the commands, by name
 * @param {Record<string, string>} job.packages paths of packages
 * @param {string} job.fakeKernel path of the script that calls are rehearsed with
 * @param {string} job.work
 * @param {boolean} job.codeCache
 * @returns whether there are caches, and the parts: name, code as text, cache as bytes if any
 */
export function makeParts({
  arch,
  node,
  programs,
  packages,
  fakeKernel,
  work,
  codeCache,
}) {
  const cached = codeCache && canMakeCaches(arch)
  const withCache = (part) => ({
    name: part.name,
    code: part.code,
    cache: cached ? makeCodeCache({ arch, node, work, ...part }) : undefined,
  })
  const parts = []
  const whole = Object.entries(programs).map(([name, text]) => [name, new Program(text)])
  for (const [name, program] of whole) {
    writeFileSync(join(work, `${name}-whole.cjs`), program.whole())
  }
  for (const [name, program] of whole) {
    const isPlugin = PROGRAMS.includes(name)
    const found = isPlugin
      ? VERBS.flatMap((verb) => partsOf(name, verb, program, { work, fakeKernel }))
      : [{ name, code: program.whole(), kind: 'all' }]
    parts.push(...found.map(withCache))
  }
  for (const [name, path] of Object.entries(packages)) {
    parts.push(withCache({ name, code: readFileSync(path, 'utf8'), kind: 'all' }))
  }
  return { parts, cached }
}

function partsOf(name, verb, program, { work, fakeKernel }) {
  const { functions, made } = surveyCall({ work, fakeKernel, program, name, verb })
  const usual = `${name}/${verb}`
  const rest = `${usual}/rest`
  const code = program.split(rest, functions, made)
  return [
    {
      name: usual,
      code: code.usual,
      kind: 'usual',
      rehearsal: [name, verb, fakeKernel],
    },
    { name: rest, code: code.rest, kind: 'rest' },
  ]
}
