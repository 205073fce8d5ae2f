// The script inside Node's blob: finds our code behind the end of the executable, and runs it.
//
// Node's own code cache for a single executable holds what was compiled at build time only, so
// few functions; and node:sea takes milliseconds to load. So our code and the addon lie behind
// the ELF file: a part for each program, and for each of its verbs V8's cache of the functions that
// such a call runs.
'use strict'
const { fstatSync, openSync, readSync } = require('fs')

// What vm.Script is made of: loading node:vm would take half a millisecond.
const { ContextifyScript } = process.binding('contextify')

/* global PROGRAMS, PARTS: put in by the build. A part's code, and its caches by verb, are places:
   [distance from the end of the file, length]. */
const parts = PARTS
// Not process.execPath: an upgrade may have put another file there since this one was started.
const fd = openSync('/proc/self/exe', 'r')
const end = fstatSync(fd).size

// For what is done with at once: each page of new memory costs a page fault. V8 would copy a cache
// that does not begin at a multiple of eight.
let scratch = Buffer.alloc(0)

// run() has seen to it that there is room.
function read([before, length]) {
  const bytes = scratch.subarray(0, length)
  for (let at = 0; at < length;) {
    const size = readSync(fd, bytes, at, length - at, end - before + at)
    if (size === 0) throw new Error('the executable is cut off: install it again')
    at += size
  }
  return bytes
}

// A program's calls without a cache of their own (--help, a verb that it does not have) are over as
// soon as VERSION is; other parts have one for all.
function cacheOf({ caches }) {
  const verb = process.env.CNI_COMMAND
  return Object.hasOwn(caches, verb) ? caches[verb] : (caches.VERSION ?? caches[''])
}

function run(name) {
  const part = parts[name]
  const cache = cacheOf(part)
  // Untouched memory costs nothing; the addon comes after the code.
  const most = Math.max(part.code[1], cache?.[1] ?? 0, parts.addon.code[1])
  if (scratch.length < most) scratch = Buffer.allocUnsafeSlow(most)
  const code = read(part.code).latin1Slice()
  const cachedData = cache && read(cache)
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
  if (cachedData && script.cachedDataRejected && process.env.VNET_CNI_TRACE) {
    process.emitWarning('vnet-cni: V8 rejects the code cache')
  }
  // In the main context, without time limit, with errors shown, SIGINT as it is.
  return script.runInContext(null, -1, true, false, false)(load, embedded)
}

const has = (name) => Object.hasOwn(parts, name)
// Node takes its time to find what it has loaded already: a hundredth of a millisecond for each of
// our modules that ask for node:fs.
const builtIn = new Map()
function load(name) {
  if (has(name)) return run(name)
  if (!builtIn.has(name)) builtIn.set(name, require(name))
  return builtIn.get(name)
}
const embedded = { addon: () => read(parts.addon.code) }

// As lib/main.ts does: by the name that we were called by, else by the first argument.
const called = process.argv0.slice(process.argv0.lastIndexOf('/') + 1)
const [program = 'cli'] = [called, process.argv[2]].filter((name) =>
  PROGRAMS.includes(name),
)
run(program)
