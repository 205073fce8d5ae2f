/**
 * A program in two parts: what a usual call runs, and the rest, which know each other.
 */
import { runInThisContext } from 'node:vm'
import t from 'tap'

const scripts: string = '../../scripts/bundle'
interface Parts {
  readonly usual: string
  readonly rest: string
}
interface Split {
  whole(): string
  noting(): string
  split(rest: string, functions: readonly [number, number][], made: string[]): Parts
}
const { Program } = (await import(`${scripts}/split.mjs`)) as {
  Program: new (text: string) => Split
}

const TEXT = `"use strict";
var Shape$value;function Shape$late(){return Shape$value??=class{sides=size(4)}}
var table$value;function table$late(){return table$value??={shape:new(Shape$late()),size,rare:()=>rare$late()}}
var rare$value;function rare$late(){return rare$value??={table:table$late(),count}}
var count=0,unit=(x)=>x;
function size(n){return n}
function bump(){count++;return{count}}
function odd(by){count+=by;return[size(by),table$late().shape,unit(bump().count),Shape$late()]}
function main(argument){let table2=table$late();return argument===void 0?[table2.shape.sides,Shape$late().name,bump().count]:odd(argument)}
embedded.answer=()=>main(embedded.argument)`

type Part = (require: (name: string) => unknown, embedded: object) => unknown

/** What runs of the program in a call, told as the survey tells it. */
const functionsOf = (whole: string, ...names: string[]) =>
  names.map((name): [number, number] => {
    const start = whole.indexOf(`function ${name}(`)
    const end = whole.slice(start).search(/}\n(function|embedded|var)/) + start + 1
    return [start, end]
  })

function run(parts: Parts, argument?: number) {
  const loaded: string[] = []
  const embedded = { argument, answer: (): unknown[] => [] }
  const load = (name: string) => {
    loaded.push(name)
    return (runInThisContext(parts.rest) as Part)(load, embedded)
  }
  ;(runInThisContext(parts.usual) as Part)(load, embedded)
  return { answer: embedded.answer(), again: embedded.answer(), loaded }
}

t.test('values are noted as they are made', (t) => {
  const made: string[] = []
  const note = (value: unknown, name: string) => {
    made.push(name)
    return value
  }
  const embedded = { note, answer: (): unknown[] => [] }
  ;(runInThisContext(new Program(TEXT).noting()) as Part)(() => undefined, embedded)
  t.same(embedded.answer(), [4, 'Shape', 1])
  t.same(made, ['Shape$late', 'table$late'])
  t.end()
})

t.test('a usual call runs without the rest, another with it', (t) => {
  const program = new Program(TEXT)
  const functions = functionsOf(program.whole(), 'main', 'size', 'bump')
  const parts = program.split('part/rest', functions, ['Shape$late', 'table$late'])
  t.notMatch(parts.usual, 'function odd')
  t.notMatch(parts.rest, /function (main|size|bump)/)
  const usual = run(parts)
  t.same(
    [usual.answer, usual.again],
    [
      [4, 'Shape', 1],
      [4, 'Shape', 2],
    ],
  )
  t.same(usual.loaded, [], 'the rest is not read')
  const rare = run(parts, 5)
  const [size, shape, count, Shape] = rare.answer as [number, object, number, () => void]
  t.same([size, count], [5, 6], 'both sides have one variable')
  t.ok(shape instanceof Shape, 'and one class')
  t.equal(rare.again[2], 12)
  t.same(rare.loaded, ['part/rest'], 'it is read once')
  t.end()
})

t.test('what is handed on is there, though nobody calls it', (t) => {
  const program = new Program(TEXT)
  const functions = functionsOf(program.whole(), 'main', 'bump')
  const parts = program.split('part/rest', functions, ['table$late'])
  t.match(parts.usual, 'function size')
  const { answer, loaded } = run(parts)
  t.same(answer, [4, 'Shape', 1])
  t.same(loaded, ['part/rest'], 'for the class')
  t.end()
})
