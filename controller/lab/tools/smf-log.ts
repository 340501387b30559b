/** Lines as svc.startd writes them into a service's log. */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Nov 22 10:00:00`, in universal time. */
export function stampText(date: Date): string {
  const month = MONTHS[date.getUTCMonth()] ?? '';
  return `${month} ${String(date.getUTCDate()).padStart(2)} ${date.toISOString().slice(11, 19)}`;
}

export function logLine(date: Date, text: string): string {
  return `[ ${stampText(date)} ${text} ]\n`;
}
