"use strict";

// The chat without reloading. Everything here works without this file too: the same form goes to the same address, and what comes
// back for a turn is made by the same template on the server. So there are no words and no answers in this file.

(() => {
  const ask = document.getElementById("ask");
  const log = document.getElementById("log");
  const status = document.getElementById("status");
  const KEPT = 8; // earlier turns that go along, as on the server
  const PATIENCE = 300; // milliseconds before we say that we are looking

  // ── national identity numbers: told at once, while typing (the server masks them whatever happens here) ──

  const sum = (digits, weights) => weights.reduce((total, weight, at) => total + weight * digits[at], 0) % 11;

  const isIdentityNumber = (text) => {
    const digits = [...text].map(Number);
    let day = Number(text.slice(0, 2));
    let month = Number(text.slice(2, 4));
    day -= day > 40 ? 40 : 0;
    month -= [80, 65, 40].find((shift) => month > shift) ?? 0;
    return month >= 1 && month <= 12 && day >= 1 && day <= 31
      && sum(digits, [3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) <= 3
      && sum(digits, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) === 0;
  };

  const holdsIdentityNumber = (text) =>
    [...text.matchAll(/(?<!\d)(\d{6})[ \u00a0.-]?(\d{5})(?!\d)/g)].some((match) => isIdentityNumber(match[1] + match[2]));

  document.addEventListener("input", ({ target }) => {
    const warning = document.getElementById(`${target.id}-warning`);
    if (!warning) return;
    const text = holdsIdentityNumber(target.value) ? warning.dataset.text : "";
    if (warning.textContent !== text) warning.textContent = text;
  });

  // ── talking to the server ──

  const send = async (form, submitter) => {
    const fields = new FormData(form);
    if (submitter?.name) fields.append(submitter.name, submitter.value);
    const address = new URL(form.action);
    address.hash = "";
    const response = await fetch(address, { method: "POST", body: new URLSearchParams(fields), headers: { "X-Fragment": "1" } });
    const holder = document.createElement("template");
    holder.innerHTML = await response.text(); // our own template, escaped on the server; the policy allows no script but this file
    return { status: response.status, piece: holder.content };
  };

  const scroll = (element) => element.scrollIntoView({ block: "nearest" });

  // ── turns ──

  let busy = false;

  const waiting = () => {
    busy = true;
    status.classList.remove("failed");
    status.textContent = "";
    const timer = setTimeout(() => { status.textContent = status.dataset.sending; }, PATIENCE);
    return () => { busy = false; clearTimeout(timer); };
  };

  const failed = (piece) => {
    status.classList.add("failed");
    status.textContent = piece?.textContent.trim() || status.dataset.failed;
    scroll(status);
  };

  const remember = (value) => {
    for (const form of [ask, document.getElementById("handover")]) {
      if (!form) continue;
      const hidden = Object.assign(document.createElement("input"), { type: "hidden", name: "earlier", value });
      form.prepend(hidden);
      const all = [...form.querySelectorAll('input[name="earlier"]')];
      all.filter((input) => input !== hidden).at(-1)?.after(hidden);
      while (form.querySelectorAll('input[name="earlier"]').length > KEPT) form.querySelector('input[name="earlier"]').remove();
    }
    document.getElementById("attach-field")?.removeAttribute("hidden");
  };

  const openForm = (andGo) => {
    const details = document.getElementById("write");
    details.open = true;
    if (andGo) details.querySelector("#name")?.focus();
  };

  const addTurn = (piece, question) => {
    const turn = piece.querySelector(".turn");
    document.getElementById("last")?.removeAttribute("id");
    turn.id = "last";
    log.append(turn);
    remember(turn.dataset.earlier);
    document.getElementById("examples")?.remove();
    question.value = "";
    document.getElementById("question-warning").textContent = "";
    if (turn.dataset.offered) openForm(turn.dataset.offered === "person");
    if (turn.dataset.offered !== "person") {
      // under a finger the keyboard of the screen would cover the answer that was asked for
      turn.tabIndex = -1;
      (matchMedia("(pointer: coarse)").matches ? turn : question).focus({ preventScroll: true });
      turn.scrollIntoView({ block: "start" });
    }
  };

  const addThanks = (piece, submitter) => {
    const place = submitter.closest(".feedback");
    const thanks = piece.firstElementChild;
    thanks.tabIndex = -1;
    place.replaceChildren(thanks);
    thanks.focus({ preventScroll: true });
    if (submitter.value.startsWith("no:")) openForm(false);
  };

  ask?.addEventListener("submit", async (event) => {
    if (event.submitter?.name === "only") return; // another language: a new page, with the conversation
    event.preventDefault();
    if (busy) return;
    const question = document.getElementById("question");
    const done = waiting();
    try {
      const { status: code, piece } = await send(ask, event.submitter);
      done();
      status.textContent = "";
      if (code !== 200) failed(piece);
      else if (event.submitter?.name === "helped") addThanks(piece, event.submitter);
      else addTurn(piece, question);
    } catch {
      done();
      failed();
    }
  });

  const question = document.getElementById("question");
  question?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    ask.requestSubmit(ask.querySelector("button.primary"));
  });
  const hint = document.getElementById("enter-hint");
  if (question && hint) { // true only with this file, so told only by it
    hint.hidden = false;
    question.setAttribute("aria-describedby", `${hint.id} ${question.getAttribute("aria-describedby")}`);
  }

  // ── another language: the conversation goes along ──

  document.querySelector(".languages")?.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || !log?.childElementCount || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const button = Object.assign(document.createElement("button"), { name: "only", value: "language", hidden: true });
    button.formNoValidate = true;
    button.formAction = `${link.href}#last`;
    ask.append(button);
    ask.requestSubmit(button);
  });

  // ── to a person ──

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.id !== "handover" || !document.getElementById("write")) return;
    event.preventDefault();
    if (busy) return;
    const done = waiting();
    try {
      const { status: code, piece } = await send(form, event.submitter);
      done();
      status.textContent = "";
      const first = piece.firstElementChild;
      if (code !== 200 && code !== 422) {
        form.querySelector(".refused")?.remove();
        first.classList.add("refused");
        first.setAttribute("role", "alert");
        form.append(first);
      } else {
        form.replaceWith(first);
        (document.getElementById("errors") ?? first).focus();
      }
    } catch {
      done();
      failed();
    }
  });

  document.addEventListener("click", ({ target }) => {
    if (target.closest?.('a[href="#person"]')) openForm(false);
  });
  if (location.hash === "#person" && document.getElementById("write")) openForm(false);

  // in a foreign page: Escape belongs to the frame around us
  if (document.body.classList.contains("embedded") && window.parent !== window) {
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") window.parent.postMessage("mikrodata-chat-close", "*");
    });
  }
})();
