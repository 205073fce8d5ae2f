// The script inside Node's blob: finds our code behind the end of the executable, and runs it.
//
// Node's own code cache for a single executable holds what was compiled at build time only, so
// few functions; and node:sea takes milliseconds to load. So our code and the addon lie behind
// the ELF file: for each verb of a program a part with what its usual call runs, one with the rest, and
// V8's cache for each.
'use strict'
const { fstatSync, openSync, readSync, writeSync } = require('fs')

// What vm.Script is made of: loading node:vm would take half a millisecond.
const { ContextifyScript } = process.binding('contextify')

/* global PROGRAMS, PARTS: put in by the build. PARTS has a line for each part, between line ends: its
   name, then of its code and its cache the distance from the end of the file and the length, between
   colons. It is a text because a call looks at two or three of them. */
const parts = PARTS
// Not process.execPath: an upgrade may have put another file there since this one was started.
const fd = openSync('/proc/self/exe', 'r')
const end = fstatSync(fd).size

// For what is done with at once: each page of new memory costs a page fault. V8 would copy a cache
// that does not begin at a multiple of eight.
let scratch = Buffer.alloc(0)

// run() has seen to it that there is room.
function read(before, length) {
  const bytes = scratch.subarray(0, length)
  for (let at = 0; at < length;) {
    const size = readSync(fd, bytes, at, length - at, end - before + at)
    if (size === 0) throw new Error('the executable is cut off: install it again')
    at += size
  }
  return bytes
}

const placeOf = (name) => parts.indexOf(`\n${name}:`)

/** The four numbers of a part; those of a cache are none where there is no cache. */
function numbersOf(name) {
  const start = placeOf(name) + name.length + 2
  return parts.slice(start, parts.indexOf('\n', start)).split(':').map(Number)
}

const addon = numbersOf('addon')

function run(name) {
  const [codeAt, codeLength, cacheAt, cacheLength] = numbersOf(name)
  // Untouched memory costs nothing; the addon comes after the code.
  const most = Math.max(codeLength, cacheLength, addon[1])
  if (scratch.length < most) scratch = Buffer.allocUnsafeSlow(most)
  const code = read(codeAt, codeLength).latin1Slice()
  const cachedData = cacheLength > 0 ? read(cacheAt, cacheLength) : undefined
  const filename = `vnet-cni/${name}`
  // As lib/vm.js of this Node calls it: from line and column 0, no cache to be made, no context of
  // its own, a symbol to look up import() by.
  const script = new ContextifyScript(
    code,
    filename,
    0,
    0,
    cachedData,
    false,
    undefined,
    Symbol(filename),
  )
  if (process.env.VNET_CNI_TRACE) {
    const rejected = cachedData && script.cachedDataRejected
    writeSync(
      2,
      `vnet-cni part: ${name}${rejected ? ', V8 rejects its code cache' : ''}\n`,
    )
  }
  // In the main context, without time limit, with errors shown, SIGINT as it is.
  return script.runInContext(null, -1, true, false, false)(load, embedded)
}

const has = (name) => placeOf(name) >= 0
// Node takes its time to find what it has loaded already: a hundredth of a millisecond for each of
// our modules that ask for node:fs.
const builtIn = new Map()
function load(name) {
  if (has(name)) return run(name)
  if (!builtIn.has(name)) builtIn.set(name, require(name))
  return builtIn.get(name)
}
const embedded = { addon: () => read(addon[0], addon[1]), process }

// As lib/main.ts does: by the name that we were called by, else by the first argument.
const called = process.argv0.slice(process.argv0.lastIndexOf('/') + 1)
const [program = 'cli'] = [called, process.argv[2]].filter((name) =>
  PROGRAMS.includes(name),
)

// Calls of a plug-in that are not for a verb with a part of its own (--help) are over as soon as VERSION
// is.
function partOf(plugin) {
  const part = `${plugin}/${process.env.CNI_COMMAND}`
  return has(part) ? part : `${plugin}/VERSION`
}

run(PROGRAMS.includes(program) ? partOf(program) : program)
