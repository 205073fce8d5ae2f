// Run by the Node that goes into the bundle, with the switches that it will run with: writes
// V8's code cache for a part of our code.
//
//   node make-cache.cjs all PART.cjs OUTPUT NAME     every function
//   node make-cache.cjs rest PART.cjs OUTPUT NAME    what declares the functions of a program's rest
//   node make-cache.cjs usual PART.cjs OUTPUT NAME PROGRAM VERB FAKE-KERNEL.cjs
//                                                    the functions that a program's usual call runs
//
// A function that is in the cache takes time to read, one that is not takes longer to compile.
'use strict'
const { readFileSync, writeFileSync } = require('node:fs')
const { setFlagsFromString } = require('node:v8')
const { Script } = require('node:vm')
const { rehearse } = require('./rehearsal.cjs')
const { stagehand } = require('./stagehand.cjs')

const KINDS = {
  all: () => undefined,
  rest: (script) => script.runInThisContext()(require, {})({}),
  // It has no rest here: its usual call does without.
  usual: (script, [program, verb, fakeKernel]) =>
    rehearse({
      program,
      verb,
      part: script.runInThisContext(),
      stagehand,
      testing: require(fakeKernel),
    }),
}

async function main([kind, input, output, filename, ...job]) {
  const source = readFileSync(input, 'latin1')
  // What V8 compiles it would forget again after a while.
  const [on, off] =
    kind === 'all' ? ['--no-lazy', '--lazy'] : ['--no-flush-bytecode', '--flush-bytecode']
  setFlagsFromString(on)
  const script = new Script(source, { filename })
  await KINDS[kind](script, job)
  // The cache is valid for one set of switches: it must be written with those of a real start.
  setFlagsFromString(off)
  const cachedData = script.createCachedData()
  if (new Script(source, { filename, cachedData }).cachedDataRejected) {
    throw new Error('V8 rejects the code cache that it has just made')
  }
  writeFileSync(output, cachedData)
}

main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
})
