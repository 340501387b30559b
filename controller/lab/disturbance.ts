/** What can be made wrong with a host of an enforcing lab as a whole, in the words of the control socket. Owns reading them. */

export const DISK_WORDS = ['full', 'ro', 'ok'] as const;
const CUT_WORDS = ['in', 'out', 'both'] as const;

export type Disturbance =
  | { readonly what: 'cut'; readonly direction: (typeof CUT_WORDS)[number] }
  | { readonly what: 'heal' }
  | { readonly what: 'loss'; readonly percent: number }
  | { readonly what: 'delay'; readonly milliseconds: number }
  | { readonly what: 'clock'; readonly offsetSeconds: number }
  | { readonly what: 'disk'; readonly disk: (typeof DISK_WORDS)[number] };

/** Hosts that can be disturbed so. */
export interface Disturbed {
  disturb(disturbance: Disturbance): Promise<void>;
}

/** A century either way. */
const MOST_OFF = 100 * 366 * 86_400;
const MOST_DELAY = 60_000;

export function parseDisturbance(line: Readonly<Record<string, unknown>>): Disturbance | undefined {
  const { what } = line;
  switch (what) {
    case 'heal':
      return { what };
    case 'cut': {
      const direction = CUT_WORDS.find((word) => word === line['direction']);
      return direction === undefined ? undefined : { what, direction };
    }
    case 'disk': {
      const disk = DISK_WORDS.find((word) => word === line['disk']);
      return disk === undefined ? undefined : { what, disk };
    }
    case 'loss': {
      const percent = whole(line['percent'], 0, 100);
      return percent === undefined ? undefined : { what, percent };
    }
    case 'delay': {
      const milliseconds = whole(line['milliseconds'], 1, MOST_DELAY);
      return milliseconds === undefined ? undefined : { what, milliseconds };
    }
    case 'clock': {
      const offsetSeconds = whole(line['offsetSeconds'], -MOST_OFF, MOST_OFF);
      return offsetSeconds === undefined ? undefined : { what, offsetSeconds };
    }
    default:
      return undefined;
  }
}

function whole(value: unknown, least: number, most: number): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most ? value : undefined;
}
