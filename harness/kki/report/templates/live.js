// Keeps the first page up to date. The page reads the same without this: it is then loaded again every five seconds.
"use strict";
(() => {
  const list = document.getElementById("exchanges");
  const state = document.getElementById("live-state");
  if (!list || !window.EventSource) return;
  const most = Number(list.dataset.most);
  let seq = Number(document.body.dataset.seq);

  function swap(id, html) {
    const old = document.getElementById(id);
    const open = new Set([...old.querySelectorAll("details[open]")].map((each) => each.parentElement.id));
    const holder = document.createElement("template");
    holder.innerHTML = html; // made and escaped by the server, which escapes everything that a client sends
    const fresh = holder.content.firstElementChild;
    for (const each of fresh.querySelectorAll("details")) each.open = open.has(each.parentElement.id);
    if (fresh.outerHTML !== old.outerHTML) old.replaceWith(fresh);
  }

  function prepend(html) {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const row = holder.content.firstElementChild;
    if (!document.getElementById(row.id)) list.prepend(row);
    while (list.children.length > most) list.lastElementChild.remove();
  }

  const source = new EventSource("/events?since=" + seq);
  source.onopen = () => { state.textContent = "live"; };
  source.onerror = () => { state.textContent = "connection lost, as of " + new Date().toLocaleTimeString(); };
  source.addEventListener("update", (event) => {
    const news = JSON.parse(event.data);
    for (const html of news.rows) prepend(html);
    swap("summary", news.summary);
    swap("checklist", news.checklist);
    swap("found", news.found);
    document.title = news.title;
    state.textContent = news.ended ? "ended" : "live";
    if (news.ended) source.close();
  });
})();
