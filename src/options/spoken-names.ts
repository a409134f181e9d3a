let nameOf = (option: string): string => option

/** Has messages name options otherwise: the command line's, whose users know its flags only. */
export function nameOptionsBy(name: (option: string) => string): void {
  nameOf = name
}

/** What messages call an option: its name in a program, its flag on the command line. */
export function optionName(option: string): string {
  return nameOf(option)
}

/** A message of native code, which does not know who listens and names this option both ways. */
export function withOwnNames(message: string): string {
  return message.replaceAll('chatTemplate, --chat-template-file', optionName('chatTemplate'))
}
