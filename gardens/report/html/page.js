// Comfort only: the page says all of it without.
(() => {
  const root = document.documentElement, tip = document.getElementById("tip");
  const stored = { get() { try { return localStorage.getItem("nimdsl-theme"); } catch { return null; } },
    set(value) { try { localStorage.setItem("nimdsl-theme", value); } catch { /* not kept */ } } };
  const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  if (stored.get()) root.dataset.theme = stored.get();
  const button = document.getElementById("theme");
  button.hidden = false;
  button.onclick = () => { root.dataset.theme = dark() ? "light" : "dark"; stored.set(root.dataset.theme); };

  // Tips: what `title` says, at once, also on touch.
  for (const one of document.querySelectorAll(".beats [title], .tracks [title], .bar [title]")) {
    one.dataset.tip = one.title;
    one.removeAttribute("title");
  }
  const show = (text, x, y) => {
    tip.textContent = text;
    tip.hidden = !text;
    if (!text) return;
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = Math.max(6, Math.min(x + 12, innerWidth - width - 6)) + "px";
    tip.style.top = (y + 18 + height > innerHeight ? y - height - 12 : y + 18) + "px";
  };
  const columns = document.getElementById("cols");
  const data = columns && JSON.parse(columns.textContent);
  const column = (svg, x) => {
    const box = svg.getBoundingClientRect();
    const place = Math.floor((x - box.left) / box.width * svg.dataset.in) + Number(svg.dataset.from);
    const one = data.columns[place];
    if (!one) return "";
    const [first, last, preempted, dropped, ...times] = one;
    const parts = data.levels.map((name, n) => times[n] ? `${name} ${(times[n] / 1000).toLocaleString("en", { maximumFractionDigits: 2 })} s` : "");
    const lost = [preempted && `${preempted} preempted`, dropped && `${dropped} dropped`].filter(Boolean).join(", ");
    return [first === last ? `beat ${first}` : `beats ${first} to ${last}`, lost, ...parts].filter(Boolean).join("\n");
  };
  const stays = document.getElementById("stays"), known = stays && JSON.parse(stays.textContent);
  const short = (value) => value.toLocaleString("en", { maximumFractionDigits: 3 });
  const clock = (value, end) => end < 600 ? `${short(value)} s`
    : [Math.floor(value / 3600), Math.floor(value / 60) % 60, Math.floor(value) % 60].map((one, n) => n ? String(one).padStart(2, "0") : one).join(":");
  const stay = (svg, x) => {
    const box = svg.getBoundingClientRect(), { width, end, columns } = known.rows[svg.dataset.row];
    const place = Math.floor((x - box.left) / box.width * end / width), one = columns[place];
    if (!one) return "";
    const lines = [`${clock(place * width, end)} to ${clock(Math.min(end, (place + 1) * width), end)}`];
    for (let n = 0; n < one.length; n += 3) lines.push(`${known.names[one[n]]} ${short(one[n + 1] / 1000)} s, ${one[n + 2]}×`);
    return lines.join("\n");
  };
  const told = (target, x) => {
    const marked = target.closest("[data-tip]"), svg = target.closest("svg[data-from]"), row = target.closest("svg[data-row]");
    return marked ? marked.dataset.tip : svg && data ? column(svg, x) : row && known ? stay(row, x) : "";
  };
  document.addEventListener("pointermove", (event) => show(told(event.target, event.clientX), event.clientX, event.clientY));
  document.addEventListener("pointerdown", (event) => {
    const text = told(event.target, event.clientX);
    if (text) show(text, event.clientX, event.clientY);
  });
  document.addEventListener("scroll", () => show(""), true);

  // Zoom: beats get wider than the page.
  const beats = document.querySelector(".beats");
  if (beats) {
    const bar = document.createElement("div");
    bar.id = "zooms";
    bar.append("zoom");
    for (const factor of [1, 3, 10]) {
      const one = document.createElement("button");
      one.type = "button";
      one.textContent = `${factor}×`;
      one.setAttribute("aria-pressed", factor === 1);
      one.onclick = () => {
        const pane = beats.parentElement, middle = (pane.scrollLeft + pane.clientWidth / 2) / beats.scrollWidth;
        beats.style.setProperty("--zoom", factor);
        pane.scrollLeft = middle * beats.scrollWidth - pane.clientWidth / 2;
        for (const other of bar.querySelectorAll("button")) other.setAttribute("aria-pressed", other === one);
      };
      bar.append(one);
    }
    beats.parentElement.before(bar);
  }
})();
