"use strict";

// The chat inside a foreign page: <script src="https://…/widget.js" data-lang="nb" defer></script>
// The button lives in a shadow tree, the chat in a frame: no style goes in or out ("important" in a shadow tree outweighs the page's own).
// Nothing is inline, so a page with a content security policy needs only our origin in script-src and frame-src.

(() => {
  const script = document.currentScript;
  const base = new URL(script.src).origin;
  const words = {
    nb: { open: "Spør om mikrodata", close: "Lukk", title: "Chat om mikrodata (automatisk)" },
    nn: { open: "Spør om mikrodata", close: "Lat att", title: "Chat om mikrodata (automatisk)" },
    en: { open: "Ask about microdata", close: "Close", title: "Chat about microdata (automatic)" },
  };
  const wanted = (script.dataset.lang || document.documentElement.lang || "nb").toLowerCase().split("-")[0];
  const lang = { no: "nb", da: "nb", sv: "nb" }[wanted] || (wanted in words ? wanted : "en");
  const t = words[lang];

  // pixels: "rem" would follow the foreign page's root
  const style = `
    :host { all: initial !important; color-scheme: light dark; }
    button { position: fixed; right: 16px; bottom: 16px; z-index: 2147483000; border: 2px solid #fff; border-radius: 32px;
      background: #00513d; color: #fff; font: 600 16px/1.2 system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif;
      padding: 14px 22px; cursor: pointer; box-shadow: 0 2px 12px rgb(0 0 0 / 0.25); }
    button:hover { background: #003c2d; }
    button:focus-visible { outline: 3px solid #1453c4; outline-offset: 2px; }
    .panel { position: fixed; right: 16px; bottom: 16px; z-index: 2147483001; width: min(432px, calc(100vw - 32px));
      height: min(704px, calc(100vh - 32px)); border: 1px solid #647a73; border-radius: 12px; overflow: hidden; background: #fff;
      box-shadow: 0 6px 30px rgb(0 0 0 / 0.3); }
    .panel[hidden] { display: none; }
    iframe { border: 0; width: 100%; height: 100%; display: block; }
    .panel button { position: absolute; right: 10px; top: 10px; bottom: auto; border: 1px solid #647a73; border-radius: 8px;
      background: #fff; color: #17262b; font-size: 14px; padding: 6px 11px; box-shadow: none; }
    .panel button:hover { background: #e4f0ea; }
    @media (prefers-color-scheme: dark) {
      .panel { background: #111917; }
      .panel button { background: #1a2523; color: #e8efec; border-color: #84998f; }
      .panel button:hover { background: #1f3a32; }
    }
    @media print { button, .panel { display: none; } }
    @media (max-width: 480px) {
      .panel { right: 0; bottom: 0; width: 100vw; height: 100vh; height: 100dvh; border: 0; border-radius: 0; }
    }
  `;

  const make = (name, fields) => Object.assign(document.createElement(name), fields);
  const host = make("mikrodata-chat", { lang });
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet(); // constructed sheets are no inline style: allowed under any policy
  sheet.replaceSync(style);
  root.adoptedStyleSheets = [sheet];

  const open = make("button", { type: "button", textContent: t.open });
  open.setAttribute("aria-expanded", "false");
  open.setAttribute("aria-haspopup", "dialog");
  const panel = make("div", { className: "panel", hidden: true });
  panel.setAttribute("role", "dialog");
  panel.setAttribute("aria-label", t.title);
  const close = make("button", { type: "button", textContent: t.close });
  root.append(open, panel);

  let frame = null;

  const show = () => {
    if (!frame) { // nothing is asked of our server before somebody wants it
      frame = make("iframe", { title: t.title, src: `${base}/?embed=1&lang=${lang}` });
      panel.append(close, frame);
    }
    panel.hidden = false;
    open.hidden = true;
    open.setAttribute("aria-expanded", "true");
    close.focus();
  };

  const hide = () => {
    panel.hidden = true;
    open.hidden = false;
    open.setAttribute("aria-expanded", "false");
    open.focus();
  };

  open.addEventListener("click", show);
  close.addEventListener("click", hide);
  root.addEventListener("keydown", (event) => { if (event.key === "Escape" && !panel.hidden) hide(); });
  window.addEventListener("message", (event) => {
    if (event.origin === base && event.source === frame?.contentWindow && event.data === "mikrodata-chat-close") hide();
  });

  const attach = () => document.body.append(host);
  if (document.body) attach(); else document.addEventListener("DOMContentLoaded", attach);
})();
