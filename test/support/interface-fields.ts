import ts from 'typescript'

/** Names of the properties of exported interfaces and types, those that they inherit included. */
export function fieldsOfInterfaces(files: string[]): (type: string) => string[] {
  const program = ts.createProgram(files, { module: ts.ModuleKind.NodeNext, strict: true })
  const checker = program.getTypeChecker()
  return (name) => {
    for (const file of files) {
      const source = program.getSourceFile(file)
      const exported = source && checker.getSymbolAtLocation(source)?.exports
      const symbol = exported?.get(ts.escapeLeadingUnderscores(name))
      if (symbol === undefined) continue
      const type = checker.getDeclaredTypeOfSymbol(symbol)
      return checker.getPropertiesOfType(type).map((property) => property.getName())
    }
    throw new Error(`no interface ${name} in ${files.join(', ')}`)
  }
}
