// Splits a program's code in two for one of its verbs: what the usual call runs, and all the rest,
// which is read when something of it is first needed. The values that the usual call makes are made at
// once, one after the other, instead of each by a function of its own when it is first used.
import typescript from 'typescript'
import { Edits } from './edits.mjs'

const ts = typescript

/** What a program's code consists of, as esbuild put it into one scope. */
export class Program {
  #checker
  /** By name: what it is, the nodes that declare it, and the units that use it. */
  units = new Map()
  #entry = []

  /** @param {string} text the code, whose top level declares and makes one call */
  constructor(text) {
    this.text = withClassNames(text)
    const { source, checker } = parse(this.text)
    this.#checker = checker
    for (const statement of source.statements) this.#note(statement)
    for (const unit of this.units.values()) unit.uses = this.#usesIn(unit.node)
  }

  #note(statement) {
    if (ts.isFunctionDeclaration(statement)) {
      const { name } = statement
      const kind = making(statement) ? 'late' : 'function'
      this.units.set(name.text, { name: name.text, kind, node: statement })
    } else if (ts.isVariableStatement(statement)) {
      for (const node of statement.declarationList.declarations) {
        const name = node.name.text
        const { initializer } = node
        const isFunction = initializer && ts.isArrowFunction(initializer)
        const kind = isFunction ? 'function' : 'variable'
        this.units.set(name, { name, kind, node })
      }
    } else if (!isDirective(statement)) {
      this.#entry.push({ node: statement, uses: this.#usesIn(statement) })
    }
  }

  /** Uses of names of the top level: the identifiers. */
  #usesIn(root) {
    const uses = []
    const visit = (node) => {
      if (ts.isIdentifier(node) && this.#isUse(node)) uses.push(node)
      ts.forEachChild(node, visit)
    }
    visit(root)
    return uses
  }

  #isUse(node) {
    const { parent } = node
    if (ts.isPropertyAccessExpression(parent) && parent.name === node) return false
    if (ts.isPropertyAssignment(parent) && parent.name === node) return false
    const symbol = ts.isShorthandPropertyAssignment(parent)
      ? this.#checker.getShorthandAssignmentValueSymbol(parent)
      : this.#checker.getSymbolAtLocation(node)
    const [declaration] = symbol?.declarations ?? []
    if (!declaration || declaration.name === node) return false
    return isTop(declaration)
  }

  /** The program whole, as a function that the loader calls: to see what a call runs. */
  whole() {
    return `${HEAD}${this.text}\n})`
  }

  /**
   * The program whole, which calls `note` with the name of each late value when it has been made:
   * so each comes after those that it needs.
   */
  noting() {
    const edits = new Edits(this.text)
    for (const { name, kind, node } of this.units.values()) {
      if (kind !== 'late') continue
      const made = making(node).right
      edits.replace(made.getStart(), made.getStart(), 'embedded.note(')
      edits.replace(made.end, made.end, `,${JSON.stringify(name)})`)
    }
    return `${HEAD}${edits.apply()}\n})`
  }

  /**
   * @param {string} rest the name of the part with the rest
   * @param {readonly [start: number, end: number][]} functions those that the usual call runs, by where
   *   they stand in whole()
   * @param {readonly string[]} made the late values that it makes, each after those that it needs
   */
  split(rest, functions, made) {
    const usual = new Set(made)
    const places = new Set(
      functions.map(([start, end]) => `${start - HEAD.length}-${end - HEAD.length}`),
    )
    for (const { name, kind, node } of this.units.values()) {
      const at = node.initializer ?? node
      if (kind === 'function' && places.has(`${at.getStart()}-${at.end}`)) usual.add(name)
    }
    this.#placeValues(usual)
    this.#placeVariables(usual)
    return new Split(this, { usual, made, rest, entry: this.#entry }).parts()
  }

  // A function that the usual call hands on or keeps in a table is there, though nobody may call it.
  #placeValues(usual) {
    for (const name of [...usual]) {
      for (const use of this.units.get(name).uses) {
        const isValue = !isCallee(use) && this.units.get(use.text).kind === 'function'
        if (isValue) usual.add(use.text)
      }
    }
  }

  // A variable stays where it is used; where both sides use it, with the usual call.
  #placeVariables(usual) {
    for (const { uses } of this.#entry) {
      for (const { text } of uses)
        if (this.units.get(text).kind === 'variable') usual.add(text)
    }
    for (const [name, { kind, uses }] of this.units) {
      if (kind === 'variable' || !usual.has(name)) continue
      for (const { text } of uses) {
        if (this.units.get(text).kind === 'variable') usual.add(text)
      }
    }
  }
}

// esbuild takes the name of a class away that does not use it itself; stacks show it.
const withClassNames = (text) =>
  text.replace(/\b(\w+)\$value(\d*)\?\?=class(?=\{| extends\b)/g, '$1$value$2??=class $1')

const HEAD = '(function(require,embedded){"use strict";'

/** What the function of a late value says: `NAME$value ??= …`; none of other functions. */
function making({ parameters, body }) {
  const [statement, ...more] = body.statements
  if (parameters.length > 0 || more.length > 0) return undefined
  if (!statement || !ts.isReturnStatement(statement)) return undefined
  const { expression } = statement
  const isMaking =
    expression &&
    ts.isBinaryExpression(expression) &&
    expression.operatorToken.kind === ts.SyntaxKind.QuestionQuestionEqualsToken &&
    ts.isIdentifier(expression.left)
  return isMaking ? expression : undefined
}

const isCallee = ({ parent, pos }) =>
  ts.isCallExpression(parent) && parent.expression.pos === pos

const isDirective = (node) =>
  ts.isExpressionStatement(node) && ts.isStringLiteral(node.expression)

function isTop(declaration) {
  const { parent } = declaration
  if (ts.isFunctionDeclaration(declaration)) return ts.isSourceFile(parent)
  return (
    ts.isVariableDeclaration(declaration) &&
    ts.isVariableStatement(parent.parent) &&
    ts.isSourceFile(parent.parent.parent)
  )
}

function parse(text) {
  const path = '/program.ts'
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true)
  const host = {
    getSourceFile: (name) => (name === path ? source : undefined),
    fileExists: (name) => name === path,
    readFile: () => text,
    getDefaultLibFileName: () => '/lib.d.ts',
    getCurrentDirectory: () => '/',
    getCanonicalFileName: (name) => name,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => '\n',
    writeFile: () => undefined,
  }
  const options = {
    noLib: true,
    noResolve: true,
    types: [],
    target: ts.ScriptTarget.ESNext,
  }
  return { source, checker: ts.createProgram([path], options, host).getTypeChecker() }
}

class Split {
  #program
  #usual
  #made
  #rest
  #entry
  /** Names that one side takes of the other. */
  #ofUsual = new Set()
  #ofRest = new Set()

  constructor(program, { usual, made, rest, entry }) {
    this.#program = program
    this.#usual = usual
    this.#made = made
    this.#rest = rest
    this.#entry = entry
  }

  parts() {
    const { units } = this.#program
    const usual = []
    const rest = []
    for (const unit of units.values()) {
      if (!this.#usual.has(unit.name)) rest.push(this.#textOf(unit, false))
      else if (unit.kind !== 'late') usual.push(this.#textOf(unit, true))
    }
    // The variables that hold them are there already.
    for (const name of this.#made) usual.push(this.#makingOf(units.get(name)))
    for (const { node, uses } of this.#entry)
      usual.push(this.#rewritten(node, uses, true))
    return { usual: this.#usualPart(usual), rest: this.#restPart(rest) }
  }

  #usualPart(lines) {
    const link = `require(${JSON.stringify(this.#rest)})(${USUAL}())`
    const access =
      `var ${REST}$value;function ${REST}(){return ${REST}$value??=${link}}` +
      `function ${USUAL}(){return{${[...this.#ofUsual].map((name) => this.#member(name))}}}`
    return `${HEAD}${access}${lines.join('\n')}\n})`
  }

  #restPart(lines) {
    return `${HEAD}return function(${USUAL}){${lines.join('\n')}\nreturn{${[...this.#ofRest]}}}})`
  }

  /** A variable may change on either side, or not have its value yet. */
  #member(name) {
    if (this.#program.units.get(name).kind !== 'variable') return name
    return `get ${name}(){return ${name}},set ${name}(value){${name}=value}`
  }

  #textOf({ kind, node, uses }, isUsual) {
    const text = this.#rewritten(node, uses, isUsual)
    return kind === 'late' || ts.isFunctionDeclaration(node) ? text : `var ${text};`
  }

  #makingOf({ node, uses }) {
    const made = making(node).right
    const inside = uses.filter(({ pos, end }) => pos >= made.pos && end <= made.end)
    return `${valueOf(node)}=${this.#rewritten(made, inside, true)};`
  }

  #rewritten(node, uses, isUsual) {
    const start = node.getStart()
    const edits = new Edits(node.getSourceFile().text.slice(start, node.end))
    for (const use of uses) {
      const { at, text } = this.#use(use, isUsual)
      if (text !== undefined) edits.replace(at.getStart() - start, at.end - start, text)
    }
    return edits.apply()
  }

  #use(use, isUsual) {
    const { kind, node } = this.#program.units.get(use.text)
    const isThere = this.#usual.has(use.text)
    const isMade = kind === 'late' && isThere
    // What is made at once is a variable, not a function to call.
    const name = isMade ? valueOf(node) : use.text
    const at = isMade ? use.parent : use
    const isShort = ts.isShorthandPropertyAssignment(use.parent)
    const label = isShort ? `${use.text}:` : ''
    if (isThere === isUsual) return { at, text: isMade ? name : undefined }
    if (isUsual) this.#ofRest.add(name)
    else this.#ofUsual.add(name)
    return { at, text: `${label}${isUsual ? `${REST}()` : USUAL}.${name}` }
  }
}

const USUAL = 'usual$part'
const REST = 'rest$part'

const valueOf = (node) => making(node).left.text
