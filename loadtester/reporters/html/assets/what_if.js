"use strict";
// The levers of `fmload cost`, pulled in its order: lengths, then who answers, then the cache. Each is linear in the
// bill's lines, so the coefficients in the page give the same sums.
(() => {
  const form = document.getElementById("what-if");
  if (!form) return;
  const data = JSON.parse(document.getElementById("what-if-data").textContent);
  const at = (name) => document.getElementById(`what-if-${name}`);
  const input = (name) => (at(name) ? Number(at(name).value) : null);
  // As `fmload cost` rounds: of two cents that are as near, the even one. Beyond 13 digits lies what sums of binary
  // fractions leave, which would move an amount off the middle.
  const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", roundingMode: "halfEven" });
  const usd = (value) => dollars.format(value.toPrecision(13));
  const sum = (values) => values.reduce((total, value) => total + value, 0);

  // What each line's share goes to by model: a share that grows takes from the others in their proportion.
  const moved = (share) => {
    const models = [...new Set(data.lines.map((line) => line.model))];
    const now = Object.fromEntries(models.map((model) => [model, sum(data.lines.filter((line) => line.model === model).map((line) => line.share))]));
    const paid = sum(Object.values(now));
    const others = paid - now[data.movable];
    const then = Object.fromEntries(models.map((model) => [model, model === data.movable ? share * paid : (now[model] * paid * (1 - share)) / others]));
    const gains = models.filter((model) => then[model] > now[model]).map((model) => [model, then[model] - now[model]]);
    const gained = sum(gains.map(([, gain]) => gain));
    return (line) => {
      if (then[line.model] >= now[line.model]) return [[line.model, line.share]];
      const stays = then[line.model] / now[line.model];
      return [[line.model, line.share * stays], ...gains.map(([model, gain]) => [model, (line.share * (1 - stays) * gain) / gained])];
    };
  };

  const perMessage = ({ share, hits, limit }) => {
    const cacheable = sum(data.lines.filter((line) => line.cacheable).map((line) => line.share));
    // More hits are taken from what nobody answered too; of fewer, each query type's models get back what was theirs.
    const stays = (line) => {
      if (hits === null || !line.cacheable) return 1;
      if (hits < data.hits) return 1 + (1 - hits / data.hits) * line.back;
      return 1 - (hits - data.hits) / (cacheable + data.unanswered);
    };
    const pieces = share === null ? (line) => [[line.model, line.share]] : moved(share);
    return sum(
      data.lines.map((line) => {
        const tokens = line.outputs[limit === null ? 0 : 1 + limit];
        const cost = sum(pieces(line).map(([model, part]) => part * (line.prompt[model] + tokens * line.token[model])));
        return cost * stays(line);
      }),
    );
  };

  const untouched = Object.fromEntries(["messages", "share", "hits", "limit"].map((name) => [name, input(name)]));
  const state = () => {
    const is = (name) => input(name) !== null && input(name) !== untouched[name];
    const messages = is("messages") ? Number((10 ** input("messages")).toPrecision(3)) : data.messages;
    return {
      messages: Math.round(messages),
      share: is("share") ? input("share") / 100 : null,
      hits: is("hits") ? input("hits") / 100 : null,
      limit: is("limit") ? input("limit") : null,
    };
  };

  const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`);
  const command = ({ messages, share, hits, limit }) =>
    [
      `fmload cost ${quoted(data.run)} --messages-per-day ${messages}`,
      limit === null ? "" : `--max-tokens ${data.limits[limit]}`,
      share === null ? "" : `--share ${quoted(`${data.movable}=${Math.round(share * 100)}%`)}`,
      hits === null ? "" : `--exact-hits ${Math.round(hits * 100)}%`,
    ]
      .filter(Boolean)
      .join(" ");

  const show = () => {
    const asked = state();
    const day = perMessage(asked) * asked.messages;
    const before = perMessage({ share: null, hits: null, limit: null }) * asked.messages;
    const isNow = asked.messages === data.messages && [asked.share, asked.hits, asked.limit].every((one) => one === null);
    at("day").textContent = isNow ? data.now.day : usd(day);
    at("month").textContent = isNow ? data.now.month : usd(day * data.days);
    at("saved").textContent = usd((before - day) * data.days);
    const put = (name, text) => {
      if (!at(name)) return;
      at(`${name}-value`).textContent = text;
      at(name).setAttribute("aria-valuetext", text);
    };
    put("messages", asked.messages.toLocaleString("en-US"));
    put("share", `${at("share")?.value} %`);
    put("hits", `${at("hits")?.value} %`);
    put("limit", asked.limit === null ? "as it is" : data.limits[asked.limit].toLocaleString("en-US"));
    document.getElementById("cuts").textContent = asked.limit === null ? "" : data.cuts[asked.limit];
    at("command").textContent = command(asked);
  };
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => requestAnimationFrame(show));
  form.hidden = false;
  show();
})();
