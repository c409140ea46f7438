// What a script adds to a payer's page: copying, a running clock, news as they happen, a wallet's button, the way back. The page is rendered
// by the server and works without any of it. It asks nobody but this server, and the wallet when told to.
'use strict';

(() => {
  const page = document.getElementById('page');
  if (!page) return;
  document.documentElement.classList.add('js');

  const LOOK_EVERY_MS = 10000;
  const BACK_AFTER_MS = 8000;
  const SENT_FOR_MS = 120000;
  // The most that a call may burn: a transfer to an address that had none of the token takes a third of it at most.
  const FEE_LIMIT_SUN = 100000000;
  const firstStage = page.dataset.stage;
  // The server's clock, which in a sandbox is not the world's.
  let ahead = 0;

  // ---- What the server says, part by part: a part is replaced only where it says something new, so that focus and choices stay.

  const said = new Map();
  const parts = (root) => root.querySelectorAll('[data-part]');
  for (const part of parts(page)) said.set(part.dataset.part, part.innerHTML);

  let wasOpened = page.querySelector('.details')?.open;
  function take(fresh, title) {
    for (const part of parts(fresh)) {
      const name = part.dataset.part;
      const html = part.innerHTML;
      const old = page.querySelector(`[data-part="${name}"]`);
      if (old && said.get(name) !== html) {
        said.set(name, html);
        old.replaceChildren(...part.childNodes);
      }
    }
    // Whoever has to ask the seller sees what to name, and may close it again.
    const isOpened = fresh.querySelector('.details')?.open;
    if (isOpened && !wasOpened) page.querySelector('.details').open = true;
    wasOpened = isOpened;
    for (const name of ['stage', 'tone', 'now', 'live']) {
      if (name in fresh.dataset) page.dataset[name] = fresh.dataset[name];
      else delete page.dataset[name];
    }
    document.title = title;
    dress();
  }

  let looking = false;
  let again = false;
  async function look() {
    if (looking) {
      again = true;
      return;
    }
    looking = true;
    try {
      const answer = await fetch(location.href, { cache: 'no-store', redirect: 'error' });
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
        const main = fresh.getElementById('page');
        if (main) take(main, fresh.title);
      }
    } catch {
      // No network: the next look will tell.
    }
    looking = false;
    if (again) {
      again = false;
      look();
    }
  }

  // ---- The clock.

  let due;
  function tick() {
    const left = page.querySelector('[data-until]');
    if (!left) return;
    const seconds = Math.max(0, Math.ceil((Number(left.dataset.until) - Date.now() - ahead) / 1000));
    const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    if (left.textContent !== text) left.textContent = text;
    if (seconds === 0 && due !== left.dataset.until) {
      due = left.dataset.until;
      look();
    }
  }

  // A browser's first date in a language takes as long as much of the page: the page is seen before, with the times as the server writes them.
  let wasSeen = document.hidden;
  function tellTimes() {
    for (const time of page.querySelectorAll('time')) {
      const here = new Date(time.dateTime).toLocaleString(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'short' });
      time.textContent = time.textContent.replace(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/, here);
    }
  }
  const onceSeen = () => requestAnimationFrame(() => setTimeout(() => {
    wasSeen = true;
    tellTimes();
  }));

  function dress() {
    ahead = Number(page.dataset.now) - Date.now();
    for (const button of page.querySelectorAll('[data-copy]')) button.hidden = !navigator.clipboard;
    if (wasSeen) tellTimes();
    offerWallet();
    listen();
    goBack();
    tick();
  }

  // ---- News: the stream says that there are some, or may be, the page says which. Where there is no stream, look now and then.

  let stream;
  function listen() {
    if (!page.dataset.live) {
      if (stream) stream.close();
      stream = undefined;
    } else if (!stream && window.EventSource) {
      stream = new EventSource(page.dataset.live);
      // The first, too: between this page and it something may have happened.
      stream.addEventListener('order', look);
    }
  }
  setInterval(() => {
    const isOpen = stream && stream.readyState === EventSource.OPEN;
    if (page.dataset.live && !isOpen && !document.hidden) look();
  }, LOOK_EVERY_MS);
  document.addEventListener('visibilitychange', () => {
    if (page.dataset.live && !document.hidden) look();
  });

  // ---- The way back: by itself for whoever has seen it being paid here, and may stay.

  let leaving;
  function goBack() {
    const back = document.getElementById('back');
    if (!back || !('goes' in back.dataset) || leaving !== undefined || ['paid', undefined].includes(firstStage)) return;
    if (!['http:', 'https:'].includes(new URL(back.href).protocol)) return;
    const going = document.getElementById('going');
    going.hidden = false;
    going.firstElementChild.textContent = going.dataset.text;
    leaving = setTimeout(() => location.assign(back.href), BACK_AFTER_MS);
  }

  // ---- A wallet in the browser: EIP-1193, and EIP-6963 where several announce themselves; TIP-1193 for Tron.

  let announced;
  window.addEventListener('eip6963:announceProvider', (event) => {
    announced = announced || event.detail.provider;
    offerWallet();
  });
  window.dispatchEvent(new Event('eip6963:requestProvider'));
  const wallet = (family) => (family === 'tron' ? window.tron : window.ethereum || announced);

  // Whatever else has come meanwhile, and changed what is asked for.
  const sentKey = ({ payment }) => `sent ${payment}`;
  function offerWallet() {
    const button = page.querySelector('[data-wallet]');
    if (!button) return;
    button.parentElement.hidden = !wallet(button.dataset.wallet);
    // Nobody shall pay twice because a page was loaded again.
    if (Date.now() - Number(sessionStorage.getItem(sentKey(button.dataset))) < SENT_FOR_MS) {
      button.disabled = true;
      button.nextElementSibling.textContent = button.dataset.sent;
    }
  }
  // Some wallets are there a little later than the page.
  window.addEventListener('load', offerWallet);

  // Tron's wallets are asked as EVM ones are, but for two things, which their own library does: on which chain their node is (the end of its first
  // block's hash), and the call itself.
  const onTron = (provider) => ({
    chain: async () => `0x${(await provider.tronWeb.trx.getBlockByNumber(0)).blockID.slice(-8)}`,
    send: async (from, { contract, to, units }) => {
      const { transactionBuilder, trx } = provider.tronWeb;
      const values = [{ type: 'address', value: to }, { type: 'uint256', value: units }];
      const built = await transactionBuilder.triggerSmartContract(contract, 'transfer(address,uint256)', { feeLimit: FEE_LIMIT_SUN }, values, from);
      const { result } = await trx.sendRawTransaction(await trx.sign(built.transaction));
      if (!result) throw new Error('the node did not take it');
    },
  });
  const onEvm = (provider) => ({
    chain: () => provider.request({ method: 'eth_chainId' }),
    send: (from, { chain, contract, call }) => {
      const params = [{ from, to: contract, data: call, value: '0x0', chainId: chain }];
      return provider.request({ method: 'eth_sendTransaction', params });
    },
  });

  async function pay(button) {
    const { wallet: family, chain, waits, sent, declined, network, failed } = button.dataset;
    const says = button.nextElementSibling;
    const provider = wallet(family);
    const way = family === 'tron' ? onTron(provider) : onEvm(provider);
    const isThere = async () => BigInt(await way.chain()) === BigInt(chain);
    let asked = 'accounts';
    button.disabled = true;
    says.textContent = waits;
    try {
      const [from] = await provider.request({ method: 'eth_requestAccounts' });
      asked = 'chain';
      if (!(await isThere())) await provider.request({ method: 'wallet_switchEthereumChain', params: [{ chainId: chain }] });
      if (!(await isThere())) throw new Error('another chain');
      asked = 'payment';
      await way.send(from, button.dataset);
      sessionStorage.setItem(sentKey(button.dataset), Date.now());
      says.textContent = sent;
    } catch (error) {
      button.disabled = false;
      // TronLink says it in words alone.
      const isDeclined = error && (error.code === 4001 || /declined/i.test(error.message || error));
      says.textContent = isDeclined ? declined : asked === 'chain' ? network : failed;
    }
  }

  document.addEventListener('click', async (event) => {
    const button = event.target.closest('button');
    if (!button) return;
    if (button.dataset.copy) {
      await navigator.clipboard.writeText(button.dataset.copy);
      const words = button.textContent;
      if (words === button.dataset.copied) return;
      const told = document.getElementById('told');
      button.textContent = told.textContent = button.dataset.copied;
      setTimeout(() => {
        button.textContent = words;
        told.textContent = '';
      }, 2000);
    } else if ('wallet' in button.dataset) {
      pay(button);
    } else if (button.id === 'stay') {
      clearTimeout(leaving);
      document.getElementById('going').hidden = true;
    }
  });

  dress();
  if (!wasSeen) onceSeen();
  setInterval(tick, 250);
})();
