// The matrix page: filters, one kind at a time, the chosen cell in words; and the drawing of a fleet of hundreds.
'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const cells = data.rows.map((row) =>
    row.split(' ').flatMap((run) => {
      const [value, count = '1'] = run.split('*');
      return Array(Number(count)).fill(value === '-' ? -1 : parseInt(value, 36));
    }),
  );
  const treatmentAt = (from, to) => data.treatments[cells[from][to]];
  const kindOf = (treatment) => (treatment.length > 1 ? treatment[1][0] : 'none');
  const detail = document.getElementById('detail');
  const scroll = document.getElementById('scroll');
  const state = { from: -1, to: -1, kind: undefined, rows: all(), columns: all() };

  function all() {
    return data.ends.map((_, place) => place);
  }

  /* The chosen cell, and the way back. */

  function show(from, to) {
    if (state.from === from && state.to === to) return;
    state.from = from;
    state.to = to;
    detail.replaceChildren(...oneWay(from, to), ...oneWay(to, from));
  }

  function oneWay(from, to) {
    const heading = element('h3', `${data.ends[from][0]} → ${data.ends[to][0]}`);
    const addresses = element('p', `${data.ends[from][2]} → ${data.ends[to][2]}`);
    addresses.className = 'addresses';
    if (data.ends[from][2] === '') addresses.hidden = true;
    const list = document.createElement('ul');
    const [, ...parts] = treatmentAt(from, to) ?? [''];
    for (const [kind, words] of parts) {
      const item = document.createElement('li');
      const mark = element('b', kind);
      mark.className = kind;
      item.append(mark, ` ${words}`);
      list.append(item);
    }
    if (parts.length === 0) list.append(element('li', from === to ? 'itself' : 'no address family in common'));
    return [heading, addresses, list];
  }

  function element(name, text) {
    const made = document.createElement(name);
    made.textContent = text;
    return made;
  }

  /* Filters: a name or group that holds every word typed. */

  function matching(text) {
    const wanted = text.trim().toLowerCase();
    return all().filter((place) => {
      const [name, group] = data.ends[place];
      return name.toLowerCase().includes(wanted) || data.groups[group].toLowerCase().includes(wanted);
    });
  }

  const view = scroll === null ? tableView() : drawnView();
  for (const [id, side] of [
    ['from', 'rows'],
    ['to', 'columns'],
  ]) {
    document.getElementById(id).addEventListener('input', (event) => {
      state[side] = matching(event.target.value);
      view.filtered();
    });
  }
  document.querySelector('.filters').addEventListener('submit', (event) => event.preventDefault());
  for (const key of document.querySelectorAll('.key')) {
    key.addEventListener('click', () => {
      state.kind = state.kind === key.dataset.kind ? undefined : key.dataset.kind;
      for (const other of document.querySelectorAll('.key'))
        other.setAttribute('aria-pressed', String(other.dataset.kind === state.kind));
      view.highlighted();
    });
  }

  /** Whether a cell has any of the kind that is asked for. */
  function isShown(treatment) {
    return state.kind === undefined || treatment.slice(1).some(([kind]) => kind === state.kind);
  }

  const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

  /** The next cell in a direction among those that are shown, over the ends' own. */
  function step(key) {
    const [down, right] = STEPS[key];
    let row = Math.max(0, state.rows.indexOf(state.from));
    let column = Math.max(0, state.columns.indexOf(state.to));
    do {
      row += down;
      column += right;
    } while (state.rows[row] !== undefined && state.rows[row] === state.columns[column]);
    const [from, to] = [state.rows[row], state.columns[column]];
    return from === undefined || to === undefined ? undefined : [from, to];
  }

  /* A small fleet: cells are elements of the table. */

  function tableView() {
    const tds = [...document.querySelectorAll('td.cell')];
    const at = (from, to) => tds.find((td) => Number(td.dataset.row) === from && Number(td.dataset.column) === to);
    const choose = (td) => {
      for (const other of tds) {
        other.classList.toggle('chosen', other === td);
        other.tabIndex = other === td ? 0 : -1;
      }
      show(Number(td.dataset.row), Number(td.dataset.column));
    };
    if (tds.length > 0) tds[0].tabIndex = 0;
    for (const td of tds) {
      td.addEventListener('mouseenter', () => choose(td));
      td.addEventListener('focus', () => choose(td));
      td.addEventListener('click', () => td.focus());
      td.addEventListener('keydown', (event) => {
        if (!(event.key in STEPS)) return;
        event.preventDefault();
        choose(td);
        const next = step(event.key);
        if (next !== undefined) at(...next)?.focus();
      });
    }
    return {
      filtered() {
        for (const row of document.querySelectorAll('tr[data-row]'))
          row.hidden = !state.rows.includes(Number(row.dataset.row));
        for (const cell of document.querySelectorAll('.board [data-column]'))
          cell.hidden = !state.columns.includes(Number(cell.dataset.column));
      },
      highlighted() {
        for (const td of tds)
          td.classList.toggle('faded', !isShown(treatmentAt(Number(td.dataset.row), Number(td.dataset.column))));
      },
    };
  }

  /* A large fleet: one pixel a cell, drawn once and blown up; names and bands beside it as far as there is room. */

  function drawnView() {
    const canvas = document.getElementById('canvas');
    const sizer = document.getElementById('sizer');
    const context = canvas.getContext('2d');
    const NAMES_FROM = 10;
    const LARGEST = 40;
    let cell = 0;
    let fitted = true;
    let colours = {};
    let picture;

    const gutters = () => (cell >= NAMES_FROM ? { left: 170, top: 130 } : { left: 128, top: 56 });

    function readColours() {
      const style = getComputedStyle(document.documentElement);
      for (const name of ['protected', 'clear', 'refused', 'broken', 'self', 'card', 'ink', 'soft', 'line', 'focus'])
        colours[name] = style.getPropertyValue(`--${name}`).trim();
      colours.none = colours.self;
    }

    const parts = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    const mixed = (a, b, share) => a.map((value, i) => Math.round(value * (1 - share) + b[i] * share));

    /** Main colour of each treatment, with a touch of the second; nearly paper where another kind is asked for. */
    function palette() {
      return data.treatments.map((treatment) => {
        const main = parts(colours[kindOf(treatment)]);
        const second = treatment.length > 2 ? parts(colours[treatment[2][0]]) : main;
        const colour = mixed(main, second, 0.12);
        return isShown(treatment) ? colour : mixed(colour, parts(colours.card), 0.88);
      });
    }

    function paint() {
      const colour = palette();
      const self = parts(colours.card);
      picture = document.createElement('canvas');
      picture.width = Math.max(1, state.columns.length);
      picture.height = Math.max(1, state.rows.length);
      const pixels = picture.getContext('2d').createImageData(picture.width, picture.height);
      let at = 0;
      for (const from of state.rows) {
        for (const to of state.columns) {
          const found = cells[from][to];
          const [r, g, b] = found < 0 ? self : colour[found];
          pixels.data.set([r, g, b, 255], at);
          at += 4;
        }
      }
      picture.getContext('2d').putImageData(pixels, 0, 0);
    }

    function fit() {
      const { left, top } = { left: 128, top: 56 };
      const room = Math.min(
        (scroll.clientWidth - left - 12) / Math.max(1, state.columns.length),
        (scroll.clientHeight - top - 12) / Math.max(1, state.rows.length),
      );
      cell = Math.min(LARGEST, Math.max(0.5, room));
      if (cell >= NAMES_FROM) {
        cell = Math.min(
          LARGEST,
          Math.max(
            NAMES_FROM,
            Math.min(
              (scroll.clientWidth - 182) / Math.max(1, state.columns.length),
              (scroll.clientHeight - 142) / Math.max(1, state.rows.length),
            ),
          ),
        );
      }
      fitted = true;
    }

    function layOut() {
      const { left, top } = gutters();
      sizer.style.width = `${Math.max(scroll.clientWidth, left + cell * state.columns.length + 12)}px`;
      sizer.style.height = `${Math.max(scroll.clientHeight, top + cell * state.rows.length + 12)}px`;
      const ratio = window.devicePixelRatio || 1;
      canvas.width = Math.round(scroll.clientWidth * ratio);
      canvas.height = Math.round(scroll.clientHeight * ratio);
      canvas.style.width = `${scroll.clientWidth}px`;
      canvas.style.height = `${scroll.clientHeight}px`;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      draw();
    }

    function draw() {
      const { left, top } = gutters();
      const [width, height] = [scroll.clientWidth, scroll.clientHeight];
      const [x0, y0] = [left - scroll.scrollLeft, top - scroll.scrollTop];
      context.fillStyle = colours.card;
      context.fillRect(0, 0, width, height);
      context.save();
      context.beginPath();
      context.rect(left, top, width - left, height - top);
      context.clip();
      context.imageSmoothingEnabled = cell < 1;
      context.drawImage(picture, x0, y0, cell * state.columns.length, cell * state.rows.length);
      if (cell >= 7) grid(x0, y0, width, height);
      if (cell >= 14) corners(x0, y0, width, height);
      bandLines(x0, y0);
      cross(x0, y0);
      context.restore();
      labels(x0, y0, left, top, width, height);
    }

    function visible(from, count, origin, end) {
      const first = Math.max(0, Math.floor((from - origin) / cell));
      const last = Math.min(count - 1, Math.ceil((end - origin) / cell));
      return [first, last];
    }

    function grid(x0, y0, width, height) {
      const { left, top } = gutters();
      const [c0, c1] = visible(left, state.columns.length, x0, width);
      const [r0, r1] = visible(top, state.rows.length, y0, height);
      context.fillStyle = colours.card;
      for (let c = c0; c <= c1 + 1; c++) context.fillRect(x0 + c * cell - 0.5, y0 + r0 * cell, 1, (r1 - r0 + 1) * cell);
      for (let r = r0; r <= r1 + 1; r++) context.fillRect(x0 + c0 * cell, y0 + r * cell - 0.5, (c1 - c0 + 1) * cell, 1);
    }

    /** A corner in the colour of what else there is. */
    function corners(x0, y0, width, height) {
      const { left, top } = gutters();
      const [c0, c1] = visible(left, state.columns.length, x0, width);
      const [r0, r1] = visible(top, state.rows.length, y0, height);
      for (let r = r0; r <= r1; r++) {
        for (let c = c0; c <= c1; c++) {
          const treatment = treatmentAt(state.rows[r], state.columns[c]);
          if (treatment === undefined || treatment.length < 3 || !isShown(treatment)) continue;
          const [x, y] = [x0 + (c + 1) * cell - 0.5, y0 + r * cell + 0.5];
          context.fillStyle = colours[treatment[2][0]];
          context.beginPath();
          context.moveTo(x - cell * 0.42, y);
          context.lineTo(x, y);
          context.lineTo(x, y + cell * 0.42);
          context.fill();
        }
      }
    }

    /** Runs of one group along an axis: group, first and last place. */
    function bands(places) {
      const found = [];
      for (const [i, place] of places.entries()) {
        const group = data.ends[place][1];
        const last = found[found.length - 1];
        if (last !== undefined && last[0] === group) last[2] = i;
        else found.push([group, i, i]);
      }
      return found;
    }

    function bandLines(x0, y0) {
      const [w, h] = [cell * state.columns.length, cell * state.rows.length];
      context.fillStyle = colours.ink;
      context.globalAlpha = 0.55;
      for (const [, first] of bands(state.columns).slice(1))
        context.fillRect(Math.round(x0 + first * cell) - 0.5, y0, 1, h);
      for (const [, first] of bands(state.rows).slice(1))
        context.fillRect(x0, Math.round(y0 + first * cell) - 0.5, w, 1);
      context.globalAlpha = 1;
    }

    /** The chosen cell, with its row and its column. */
    function cross(x0, y0) {
      const [row, column] = [state.rows.indexOf(state.from), state.columns.indexOf(state.to)];
      if (row < 0 || column < 0) return;
      const [x, y] = [x0 + column * cell, y0 + row * cell];
      context.fillStyle = colours.focus;
      context.globalAlpha = 0.22;
      const thick = Math.max(cell, 2);
      context.fillRect(x0, y, cell * state.columns.length, thick);
      context.fillRect(x, y0, thick, cell * state.rows.length);
      context.globalAlpha = 1;
      context.strokeStyle = colours.focus;
      context.lineWidth = 2;
      const around = Math.max(cell, 6);
      context.strokeRect(x + cell / 2 - around / 2, y + cell / 2 - around / 2, around, around);
    }

    function labels(x0, y0, left, top, width, height) {
      context.fillStyle = colours.card;
      context.fillRect(0, 0, left, height);
      context.fillRect(0, 0, width, top);
      context.textBaseline = 'middle';
      if (cell >= NAMES_FROM) names(x0, y0, left, top, width, height);
      else groups(x0, y0, left, top);
      context.fillStyle = colours.card;
      context.fillRect(0, 0, left, top);
    }

    function names(x0, y0, left, top, width, height) {
      context.font = `${Math.min(13, Math.max(9, cell - 2))}px system-ui, sans-serif`;
      const [c0, c1] = visible(left, state.columns.length, x0, width);
      const [r0, r1] = visible(top, state.rows.length, y0, height);
      context.textAlign = 'right';
      for (let r = r0; r <= r1; r++) {
        context.fillStyle = state.rows[r] === state.from ? colours.focus : colours.ink;
        context.fillText(clipped(data.ends[state.rows[r]][0], left - 20), left - 8, y0 + (r + 0.5) * cell);
      }
      context.save();
      context.beginPath();
      context.rect(left, 0, width - left, top);
      context.clip();
      context.textAlign = 'left';
      for (let c = c0; c <= c1; c++) {
        context.save();
        context.translate(x0 + (c + 0.5) * cell, top - 8);
        context.rotate(-Math.PI / 2);
        context.fillStyle = state.columns[c] === state.to ? colours.focus : colours.ink;
        context.fillText(clipped(data.ends[state.columns[c]][0], top - 16), 0, 0);
        context.restore();
      }
      context.restore();
    }

    function groups(x0, y0, left, top) {
      context.font = '600 13px system-ui, sans-serif';
      context.fillStyle = colours.ink;
      context.textAlign = 'right';
      let below = -Infinity;
      for (const [group, first, last] of bands(state.rows)) {
        const middle = y0 + ((first + last + 1) / 2) * cell;
        const y = Math.max(middle, below + 16);
        const [from, to] = [y0 + first * cell, y0 + (last + 1) * cell];
        bar(left - 8, from + 1, 3, to - from - 2);
        context.fillStyle = colours.ink;
        context.fillText(clipped(data.groups[group] || 'no group', left - 26), left - 16, y);
        below = y;
      }
      context.textAlign = 'center';
      let right = -Infinity;
      for (const [group, first, last] of bands(state.columns)) {
        const [from, to] = [x0 + first * cell, x0 + (last + 1) * cell];
        bar(from + 1, top - 8, to - from - 2, 3);
        const text = data.groups[group] || 'no group';
        const wide = context.measureText(text).width;
        const x = Math.max((from + to) / 2, right + wide / 2 + 10);
        context.fillStyle = colours.ink;
        context.fillText(text, x, top - 22);
        right = x + wide / 2;
      }
    }

    function bar(x, y, w, h) {
      context.fillStyle = colours.soft;
      context.fillRect(x, y, Math.max(1, w), Math.max(1, h));
    }

    function clipped(text, room) {
      if (context.measureText(text).width <= room) return text;
      let short = text;
      while (short.length > 1 && context.measureText(`${short}…`).width > room) short = short.slice(0, -1);
      return `${short}…`;
    }

    function cellUnder(event) {
      const box = canvas.getBoundingClientRect();
      const { left, top } = gutters();
      const [x, y] = [event.clientX - box.left, event.clientY - box.top];
      if (x < left || y < top) return undefined;
      const from = state.rows[Math.floor((y - top + scroll.scrollTop) / cell)];
      const to = state.columns[Math.floor((x - left + scroll.scrollLeft) / cell)];
      return from === undefined || to === undefined || from === to ? undefined : [from, to];
    }

    /** Zooms about a point of the view, which stays where it is. */
    function zoom(factor, x = scroll.clientWidth / 2, y = scroll.clientHeight / 2) {
      const before = gutters();
      const column = (x - before.left + scroll.scrollLeft) / cell;
      const row = (y - before.top + scroll.scrollTop) / cell;
      cell = Math.min(LARGEST, Math.max(0.5, cell * factor));
      fitted = false;
      layOut();
      const after = gutters();
      scroll.scrollLeft = column * cell - x + after.left;
      scroll.scrollTop = row * cell - y + after.top;
      draw();
    }

    function refit() {
      fit();
      layOut();
    }

    function intoView() {
      const { left, top } = gutters();
      const [row, column] = [state.rows.indexOf(state.from), state.columns.indexOf(state.to)];
      const [x, y] = [column * cell, row * cell];
      if (x < scroll.scrollLeft) scroll.scrollLeft = x;
      else if (x + cell > scroll.scrollLeft + scroll.clientWidth - left)
        scroll.scrollLeft = x + cell - scroll.clientWidth + left;
      if (y < scroll.scrollTop) scroll.scrollTop = y;
      else if (y + cell > scroll.scrollTop + scroll.clientHeight - top)
        scroll.scrollTop = y + cell - scroll.clientHeight + top;
    }

    scroll.addEventListener('scroll', draw);
    scroll.addEventListener('mousemove', (event) => {
      const found = cellUnder(event);
      if (found === undefined) return;
      show(...found);
      draw();
    });
    scroll.addEventListener('keydown', (event) => {
      if (!(event.key in STEPS)) return;
      event.preventDefault();
      const next = state.from < 0 ? [state.rows[0], state.columns.find((to) => to !== state.rows[0])] : step(event.key);
      if (next === undefined || next.includes(undefined)) return;
      show(...next);
      intoView();
      draw();
    });
    scroll.addEventListener(
      'wheel',
      (event) => {
        if (!event.ctrlKey) return;
        event.preventDefault();
        const box = canvas.getBoundingClientRect();
        zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, event.clientX - box.left, event.clientY - box.top);
      },
      { passive: false },
    );
    document.getElementById('in').addEventListener('click', () => zoom(1.6));
    document.getElementById('out').addEventListener('click', () => zoom(1 / 1.6));
    document.getElementById('fit').addEventListener('click', refit);
    new ResizeObserver(() => {
      if (fitted) fit();
      layOut();
    }).observe(scroll);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      readColours();
      paint();
      draw();
    });

    readColours();
    paint();
    refit();
    return {
      filtered() {
        paint();
        refit();
      },
      highlighted() {
        paint();
        draw();
      },
    };
  }
})();
