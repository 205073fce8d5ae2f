// Copies of the programs that prepare the node for a rehearsal, so that what only they do is not taken
// for a part of the usual call.
'use strict'
const { readFileSync } = require('node:fs')
const { Script } = require('node:vm')

const copies = new Map()

/** A program as the loader calls it, from the current folder. */
exports.stagehand = function stagehand(program) {
  if (!copies.has(program)) {
    const text = readFileSync(`${program}-whole.cjs`, 'latin1')
    // Of another text, or V8 would give it the same functions.
    const script = new Script(`${text}\n`, { filename: `stagehand/${program}` })
    copies.set(program, script.runInThisContext())
  }
  return copies.get(program)
}
