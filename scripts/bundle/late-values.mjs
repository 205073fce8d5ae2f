// Writes our modules as ES modules whose top level does nothing: functions stay, and every class,
// table and other value that takes work to make is made when it is first used. `const TABLE = make()`
// becomes
//
//     let TABLE$value
//     function TABLE$late() { return TABLE$value ??= make() }
//
// and every use `TABLE$late()`. A cold start pays for what its call uses and for nothing else, and
// esbuild can put all modules into one scope and leave out what nothing reaches. For modules without
// side effects, as package.json says ours are.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import typescript from 'typescript'
import { Edits } from './edits.mjs'

const ts = typescript

/**
 * @param {string} folder the one with the modules
 * @param {string} out where they go, under the same names with .js
 * @param {Record<string, string>} replaced modules that others take the place of, by name
 */
export function writeLateValues(folder, out, replaced = {}) {
  const library = new Library(folder, replaced)
  for (const module of library.modules.values()) {
    const target = join(out, module.name)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, module.rewritten())
  }
  writeFileSync(join(out, EXTERNALS), library.externals())
  writeFileSync(join(out, 'package.json'), '{ "type": "module" }\n')
}

/** The module that loads Node's modules and packages, each when it is first used. */
const EXTERNALS = 'externals.js'

/** The program itself, which runs at once. */
const ENTRY = 'bundle.js'

const LATE = '$late'
const VALUE = '$value'

class Library {
  modules = new Map()
  checker
  #externals = new Map()

  constructor(folder, replaced) {
    this.folder = folder
    this.replaced = replaced
    const names = readdirSync(folder, { recursive: true }).filter((name) =>
      /\.c?ts$/.test(name),
    )
    const program = programOf(
      new Map(names.map((name) => [jsName(name), plainText(join(folder, name))])),
    )
    this.checker = program.getTypeChecker()
    for (const name of names.map(jsName)) {
      const source = program.getSourceFile(`/${name}`)
      this.modules.set(name, new Module(this, name, source))
    }
  }

  /** The module that a specifier in another one means; none for packages and Node's own. */
  find(specifier, importer) {
    if (!specifier.startsWith('.')) return undefined
    const path = join(dirname(importer), specifier).replace(/\.cjs$/, '.js')
    const name = this.replaced[path] ?? path
    const found = this.modules.get(name)
    if (!found) throw new Error(`${importer}: no module ${specifier}`)
    return found
  }

  /** The name of the function in EXTERNALS that loads a module of Node or a package. */
  loaderOf(specifier) {
    const name = `load_${specifier.replaceAll(/\W/g, '_')}`
    this.#externals.set(name, specifier)
    return name
  }

  externals() {
    const lines = [...this.#externals].map(
      ([name, specifier]) =>
        `let ${name}${VALUE}; export function ${name}() { return ${name}${VALUE} ??= require(${JSON.stringify(specifier)}) }\n`,
    )
    return lines.join('')
  }
}

const jsName = (name) => name.replace(/\.c?ts$/, '.js')

/** Without types; what the executable's own Node has, such as `using`, stays as it is. */
function plainText(path) {
  const { outputText } = ts.transpileModule(readFileSync(path, 'utf8'), {
    // As .ts: a .cts file would become CommonJS.
    fileName: path.replace(/\.cts$/, '.ts'),
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ESNext,
    },
  })
  return outputText
}

/** For its binder alone: which declaration a name means. */
function programOf(texts) {
  const options = {
    noLib: true,
    noResolve: true,
    types: [],
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.ESNext,
  }
  // As TypeScript: in .js it would see meaning in assignments to exports.
  const virtual = (path) => `${path.slice(1)}`
  const host = {
    getSourceFile: (path, target) =>
      texts.has(virtual(path))
        ? ts.createSourceFile(
            path,
            texts.get(virtual(path)),
            target,
            true,
            ts.ScriptKind.TS,
          )
        : undefined,
    fileExists: (path) => texts.has(virtual(path)),
    readFile: (path) => texts.get(virtual(path)),
    getDefaultLibFileName: () => '/lib.d.ts',
    getCurrentDirectory: () => '/',
    getCanonicalFileName: (path) => path,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => '\n',
    writeFile: () => undefined,
  }
  const names = [...texts.keys()].map((name) => `/${name}`)
  return ts.createProgram(names, { ...options, allowJs: true }, host)
}

/** One module: what it declares, imports and exports, and its new text. */
class Module {
  /** Names declared at the top: whether each is made late. */
  #own = new Map()
  /** Local name → where from, and its name there. */
  #imports = new Map()
  /** Exported name → local name, or where it is passed on from. */
  #exports = new Map()
  #stars = []
  #edits
  /** Lines that import from elsewhere what the new text uses. */
  #needed = new Map()

  constructor(library, name, source) {
    this.library = library
    this.name = name
    this.source = source
    this.#edits = new Edits(source.text)
    for (const statement of source.statements) this.#note(statement)
  }

  #note(statement) {
    if (ts.isImportDeclaration(statement)) return this.#noteImport(statement)
    if (ts.isExportDeclaration(statement)) return this.#noteExports(statement)
    if (ts.isExportAssignment(statement)) {
      this.#own.set(DEFAULT, true)
      this.#exports.set('default', { local: DEFAULT })
      return undefined
    }
    const names = this.#declare(statement)
    if (isExported(statement)) {
      for (const name of names) this.#exports.set(name, { local: name })
    }
    return undefined
  }

  #noteImport({ moduleSpecifier, importClause }) {
    const from = moduleSpecifier.text
    if (!importClause) throw new Error(`${this.name}: imports ${from} for its effects`)
    const { name, namedBindings } = importClause
    if (name) this.#imports.set(name.text, { from, name: 'default' })
    if (!namedBindings) return
    if (ts.isNamespaceImport(namedBindings)) {
      this.#imports.set(namedBindings.name.text, { from, name: '*' })
      return
    }
    for (const { name: local, propertyName } of namedBindings.elements) {
      this.#imports.set(local.text, { from, name: (propertyName ?? local).text })
    }
  }

  #noteExports({ moduleSpecifier, exportClause }) {
    if (!exportClause) return void this.#stars.push(moduleSpecifier.text)
    for (const { name, propertyName } of exportClause.elements) {
      const inner = (propertyName ?? name).text
      const from = moduleSpecifier?.text
      this.#exports.set(name.text, from ? { from, name: inner } : { local: inner })
    }
  }

  /** Notes what a statement declares; answers with the names. */
  #declare(statement) {
    if (ts.isFunctionDeclaration(statement)) {
      this.#own.set(statement.name.text, false)
      return [statement.name.text]
    }
    if (ts.isClassDeclaration(statement)) {
      this.#own.set(statement.name.text, true)
      return [statement.name.text]
    }
    if (!ts.isVariableStatement(statement)) {
      const text = statement.getText()
      if (ts.isExpressionStatement(statement) && this.name === ENTRY) return []
      throw new Error(`${this.name}: what does this do at the top: ${text}`)
    }
    const { declarations, flags } = statement.declarationList
    const isConst = (flags & ts.NodeFlags.Const) !== 0
    return declarations.map(({ name, initializer }) => {
      if (!ts.isIdentifier(name) || declarations.length > 1) {
        throw new Error(`${this.name}: one name a declaration: ${statement.getText()}`)
      }
      if (!isConst && initializer && !isAtHand(initializer)) {
        throw new Error(`${this.name}: ${name.text} takes work to make and changes`)
      }
      this.#own.set(name.text, isConst && !isAtHand(initializer))
      return name.text
    })
  }

  /** Where what this module exports by a name is declared: the module, and its name there. */
  origin(name) {
    const found = this.#exports.get(name)
    if (found?.local !== undefined) return this.#originOfLocal(found.local)
    if (found) return this.library.find(found.from, this.name).origin(found.name)
    for (const star of this.#stars) {
      const inner = this.library.find(star, this.name).origin(name)
      if (inner) return inner
    }
    return undefined
  }

  #originOfLocal(local) {
    if (this.#own.has(local)) return { module: this, name: local }
    const { from, name } = this.#imports.get(local)
    return this.library.find(from, this.name).origin(name)
  }

  exportedNames() {
    const inner = this.#stars.flatMap((star) =>
      this.library.find(star, this.name).exportedNames(),
    )
    return [
      ...new Set([...this.#exports.keys(), ...inner.filter((n) => n !== 'default')]),
    ]
  }

  isLate(name) {
    return this.#own.get(name)
  }

  rewritten() {
    for (const statement of this.source.statements) this.#rewriteStatement(statement)
    this.#visit(this.source)
    const body = this.#edits.apply()
    const imports = [...this.#needed.values()].join('')
    const names = [...this.#own].map(([name, late]) => (late ? name + LATE : name))
    const exported = this.name === ENTRY ? '' : `export { ${names.join(', ')} }\n`
    return `${imports}${body}\n${exported}`
  }

  #rewriteStatement(statement) {
    const edits = this.#edits
    const start = statement.getStart()
    if (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) {
      return edits.replace(start, statement.end, '')
    }
    if (ts.isExportAssignment(statement)) {
      return this.#makeLate(DEFAULT, start, statement.expression, statement.end)
    }
    if (ts.isClassDeclaration(statement)) {
      const at = statement
        .getChildren()
        .find((c) => c.kind === ts.SyntaxKind.ClassKeyword)
      const node = { getStart: () => at.getStart(), end: statement.end }
      return this.#makeLate(statement.name.text, start, node, statement.end)
    }
    if (ts.isVariableStatement(statement)) {
      const [{ name, initializer }] = statement.declarationList.declarations
      if (this.isLate(name.text)) {
        return this.#makeLate(name.text, start, initializer, statement.end)
      }
    }
    const modifier = statement.modifiers?.find(
      ({ kind }) => kind === ts.SyntaxKind.ExportKeyword,
    )
    if (modifier) edits.replace(modifier.getStart(), modifier.end, '')
    return undefined
  }

  #makeLate(name, start, expression, end) {
    const before = `let ${name}${VALUE};\nfunction ${name}${LATE}() { return ${name}${VALUE} ??= `
    this.#edits.replace(start, expression.getStart(), before)
    this.#edits.replace(expression.end, end, ' }')
  }

  #visit(node) {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return
    if (isDynamicImport(node)) this.#importNow(node)
    if (ts.isIdentifier(node) && isReference(node)) this.#rewriteUse(node)
    ts.forEachChild(node, (child) => this.#visit(child))
  }

  /** Modules are evaluated by use, so there is nothing to wait for. */
  #importNow(node) {
    const target = this.library.find(node.arguments[0].text, this.name)
    const names = importedNames(node) ?? target.exportedNames()
    const members = names.map((name) => {
      const origin = target.origin(name)
      if (!origin) throw new Error(`${this.name}: no ${name} in ${target.name}`)
      return `${name}: ${this.#useOf(origin)}`
    })
    this.#edits.replace(
      node.getStart(),
      node.end,
      `Promise.resolve({ ${members.join(', ')} })`,
    )
  }

  #rewriteUse(node) {
    const name = node.text
    const isOwn = this.#own.get(name) === true
    const imported = this.#imports.get(name)
    if ((!isOwn && !imported) || !this.#isTopLevel(node)) return
    const use = isOwn ? `${name}${LATE}()` : this.#useOfImport(imported)
    if (use === name) return
    const { parent } = node
    const isCalled = ts.isCallExpression(parent) && parent.expression === node
    const isMade = ts.isNewExpression(parent) && parent.expression === node
    const isMember = use.includes('.')
    let text = use
    // `new make()()` would make the maker; a function of another module gets no `this` of it.
    if (isMade) text = `(${use})`
    else if (isCalled && isMember) text = `(0, ${use})`
    if (ts.isShorthandPropertyAssignment(parent)) text = `${name}: ${use}`
    this.#edits.replace(node.getStart(), node.end, text)
  }

  /** Whether a use means the name at the module's top, not one of the same text inside. */
  #isTopLevel(node) {
    const { checker } = this.library
    const symbol = ts.isShorthandPropertyAssignment(node.parent)
      ? checker.getShorthandAssignmentValueSymbol(node.parent)
      : checker.getSymbolAtLocation(node)
    const [declaration] = symbol?.declarations ?? []
    if (!declaration) return false
    // A class knows itself by its name inside.
    if (ts.isClassDeclaration(declaration) && isInside(node, declaration)) return false
    for (let at = declaration.parent; at; at = at.parent) {
      if (ts.isSourceFile(at)) return true
      if (ts.isFunctionLike(at) || ts.isBlock(at) || ts.isCatchClause(at)) return false
      if (ts.isForStatement(at) || ts.isForOfStatement(at) || ts.isForInStatement(at))
        return false
      if (ts.isClassLike(at)) return false
    }
    return false
  }

  #useOfImport({ from, name }) {
    const target = this.library.find(from, this.name)
    if (!target) {
      const loader = this.library.loaderOf(from)
      this.#need(EXTERNALS, loader, () => loader)
      return name === '*' || name === 'default' ? `${loader}()` : `${loader}().${name}`
    }
    const origin = target.origin(name)
    if (!origin) throw new Error(`${this.name}: no ${name} in ${target.name}`)
    return this.#useOf(origin)
  }

  #useOf({ module, name }) {
    const declared = module.isLate(name) ? name + LATE : name
    let local = declared
    if (module !== this) {
      // Two modules may use the same name for different things, or one inside a function.
      local = this.#need(module.name, declared, () =>
        this.#isFree(declared, module) ? declared : `${declared}$${this.#needed.size}`,
      )
    }
    return module.isLate(name) ? `${local}()` : local
  }

  #isFree(name, module) {
    if ([...this.#needed.values()].some(({ local }) => local === name)) return false
    const imported = this.#imports.get(name)
    if (!imported)
      return !new RegExp(`\\b${name.replaceAll('$', '\\$')}\\b`).test(this.source.text)
    const target = this.library.find(imported.from, this.name)
    const origin = target?.origin(imported.name)
    return origin?.module === module && origin.name === name
  }

  /** Has the new text import a name; answers with what it is called here. */
  #need(file, name, choose) {
    const key = `${file}:${name}`
    const known = this.#needed.get(key)
    if (known) return known.local
    const local = choose()
    const path = relative(dirname(this.name), file)
    const from = path.startsWith('.') ? path : `./${path}`
    const text = `import { ${name} as ${local} } from ${JSON.stringify(from)}\n`
    this.#needed.set(key, { local, toString: () => text })
    return local
  }
}

const DEFAULT = 'default$'

const isExported = ({ modifiers }) =>
  modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false

const isInside = (node, outer) => node.pos >= outer.pos && node.end <= outer.end

/** Whether a value takes no work: a text, a number, a function. */
function isAtHand(expression) {
  if (expression === undefined) return true
  if (ts.isParenthesizedExpression(expression)) return isAtHand(expression.expression)
  if (ts.isPrefixUnaryExpression(expression)) return isAtHand(expression.operand)
  return (
    ts.isArrowFunction(expression) ||
    ts.isFunctionExpression(expression) ||
    ts.isNumericLiteral(expression) ||
    ts.isBigIntLiteral(expression) ||
    ts.isStringLiteral(expression) ||
    ts.isNoSubstitutionTemplateLiteral(expression) ||
    [ts.SyntaxKind.TrueKeyword, ts.SyntaxKind.FalseKeyword].includes(expression.kind)
  )
}

const isDynamicImport = (node) =>
  ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword

/** Whether an identifier is the use of a variable, not a name of something else. */
function isReference(node) {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node
  if (ts.isBindingElement(parent)) return parent.initializer === node
  if (ts.isShorthandPropertyAssignment(parent)) return true
  if (
    ts.isMethodDeclaration(parent) ||
    ts.isGetAccessor(parent) ||
    ts.isSetAccessor(parent) ||
    ts.isFunctionDeclaration(parent) ||
    ts.isFunctionExpression(parent) ||
    ts.isClassLike(parent) ||
    ts.isLabeledStatement(parent) ||
    ts.isBreakOrContinueStatement(parent)
  ) {
    return false
  }
  if (ts.isPropertyDeclaration(parent) || ts.isVariableDeclaration(parent)) {
    return parent.initializer === node
  }
  if (ts.isParameter(parent)) return parent.initializer === node
  return true
}

/** The names that `(await import(…)).name` and `const { names } = await import(…)` ask for. */
function importedNames(node) {
  let outer = node.parent
  let at = node
  let position
  if (ts.isArrayLiteralExpression(outer) && isPromiseAll(outer.parent)) {
    position = outer.elements.indexOf(node)
    at = outer.parent
    outer = at.parent
  }
  if (!ts.isAwaitExpression(outer)) return undefined
  at = outer
  outer = at.parent
  while (ts.isParenthesizedExpression(outer)) {
    at = outer
    outer = at.parent
  }
  if (position === undefined && ts.isPropertyAccessExpression(outer)) {
    return [outer.name.text]
  }
  if (!ts.isVariableDeclaration(outer)) return undefined
  const pattern = position === undefined ? outer.name : outer.name.elements[position].name
  if (!ts.isObjectBindingPattern(pattern)) return undefined
  return pattern.elements.map(({ propertyName, name }) => (propertyName ?? name).text)
}

const isPromiseAll = (node) =>
  ts.isCallExpression(node) && node.expression.getText() === 'Promise.all'
